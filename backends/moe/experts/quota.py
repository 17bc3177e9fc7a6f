"""How many experts of every layer have a slot."""

from __future__ import annotations

from backends.moe.errors import TooLittleMemory
from backends.moe.store.tiers import StoreShape

Residency = float | int  # a share (float, 0 to 1) or bytes (int)


def slots_per_layer(shape: StoreShape, residency: Residency, top_k: int) -> int:
    """Slots of each layer: the same for all, at least what one token asks for, at most all experts.

    A share is rounded up; bytes are a limit. Raises TooLittleMemory where they are too few.
    """
    if isinstance(residency, float):
        share = -(-round(residency * shape.expert_count * 1e6) // 1_000_000)
        return min(shape.expert_count, max(share, top_k))
    affordable = residency // (shape.layer_count * shape.layout.byte_count)
    if affordable < top_k:
        needed = top_k * shape.layer_count * shape.layout.byte_count
        raise TooLittleMemory(
            f"'residency' of {residency} bytes holds {affordable} experts a layer, and a token asks for "
            f"{top_k}; set it to at least {needed} ({needed / 2**20:.0f} MiB)"
        )
    return min(shape.expert_count, int(affordable))
