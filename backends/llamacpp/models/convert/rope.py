"""How positions are rotated: what transformers configures, in llama.cpp's words.

Formulas: Peng et al. 2023, "YaRN", arXiv 2309.00071, section 3; Llama 3's own scaling as in
transformers, ``modeling_rope_utils._compute_llama3_parameters``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from backends.errors import Refused


@dataclass(frozen=True, slots=True)
class Rope:
    """A rotation. ``factors`` divide the frequencies one by one; None: none do."""

    base: float
    kind: str = "default"
    factor: float = 1.0
    original_context_token_count: int | None = None
    factors: tuple[float, ...] | None = None

    def describe(self, writer: Any) -> None:
        """Write the metadata to a ``gguf.GGUFWriter``."""
        import gguf

        writer.add_rope_freq_base(self.base)
        if self.kind in {"linear", "yarn"}:
            writer.add_rope_scaling_type(gguf.RopeScalingType(self.kind))
            writer.add_rope_scaling_factor(self.factor)
        if self.kind == "yarn" and self.original_context_token_count:
            writer.add_rope_scaling_orig_ctx_len(self.original_context_token_count)


def rope_of(architecture: str, config: Mapping[str, Any], head_width: int) -> Rope:
    """Read the rotation of a configuration, old (``rope_scaling``) or new (``rope_parameters``).

    Raises Refused for those that llama.cpp computes otherwise.
    """
    given = dict(config.get("rope_parameters") or config.get("rope_scaling") or {})
    base = float(given.get("rope_theta", config.get("rope_theta", 10_000.0)))
    kind = str(given.get("rope_type", given.get("type", "default")))
    if kind == "default":
        return Rope(base)
    factor = float(given["factor"])
    if kind == "linear":
        return Rope(base, kind, factor)
    if kind == "llama3" and architecture == "llama":
        return Rope(base, kind, factor, factors=_llama3_factors(given, base, factor, head_width))
    odd = {"attention_factor", "beta_fast", "beta_slow", "mscale", "mscale_all_dim"} & {
        key for key, value in given.items() if value is not None
    }
    if kind == "yarn" and not odd:
        original = int(
            given.get("original_max_position_embeddings") or config["max_position_embeddings"] / factor
        )
        return Rope(base, kind, factor, original)
    raise Refused(f"the rotary embedding {kind!r} {sorted(odd) or ''} of a {architecture} model is not known")


def _llama3_factors(given: Mapping[str, Any], base: float, factor: float, width: int) -> tuple[float, ...]:
    low, high = float(given["low_freq_factor"]), float(given["high_freq_factor"])
    original = float(given["original_max_position_embeddings"])
    return tuple(
        _llama3_factor(2 * math.pi * base ** (i / width), factor, low, high, original)
        for i in range(0, width, 2)
    )


def _llama3_factor(wavelength: float, factor: float, low: float, high: float, original: float) -> float:
    if wavelength < original / high:
        return 1.0
    if wavelength > original / low:
        return factor
    smooth = (original / wavelength - low) / (high - low)
    return 1 / ((1 - smooth) / factor + smooth)
