"""The experts function that transformers calls in place of its own: hands every layer to who computes it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, Protocol

import torch
from torch import nn
from transformers.integrations.moe import ALL_EXPERTS_FUNCTIONS

from backends.moe.experts.stats import LittleMass, OffloadStats

IMPLEMENTATION = "upshift_offload"
_ATTRIBUTE = "_upshift_experts"


class Experts(Protocol):
    """Computes the experts of all layers of a model from rows.

    ``compute`` is called layer by layer, in order, on one thread; ``close`` comes last, closes the rows'
    tier too, and does nothing the second time.
    """

    @property
    def stats(self) -> OffloadStats:
        """What has been done so far."""
        ...

    captured_token_count: int
    """Steps of at most so many tokens ask the device for no value, so that a CUDA graph can hold them."""

    @property
    def little_mass(self) -> LittleMass:
        """How much of the last pass little experts computed."""
        ...

    @property
    def has_little(self) -> bool:
        """Whether an expert is ever little."""
        ...

    def whole(self) -> AbstractContextManager[None]:
        """Let no further expert be little until the block ends."""
        ...

    @property
    def row_byte_count(self) -> int:
        """Bytes of all experts' rows."""
        ...

    def compute(
        self, layer: int, module: Any, hidden: torch.Tensor, routing: tuple[torch.Tensor, torch.Tensor]
    ) -> torch.Tensor:
        """Return what ``module.forward`` would: (rows, hidden size), in the type of ``hidden``.

        ``routing``: expert ids and gate weights, both (rows, top_k).
        """
        ...

    def close(self) -> None:
        """Give memory up."""
        ...


def attach(model: Any, experts: Experts, modules: dict[str, nn.Module]) -> None:
    """Let ``experts`` compute ``modules`` of ``model``, in their order; its code stays as it is."""
    for layer, module in enumerate(modules.values()):
        setattr(module, _ATTRIBUTE, (experts, layer))
    model.set_experts_implementation(IMPLEMENTATION)


def experts_of(model: nn.Module) -> Experts | None:
    """Return who computes the experts of ``model``; None: transformers itself does."""
    attached = (getattr(module, _ATTRIBUTE, None) for module in model.modules())
    return next((found[0] for found in attached if found is not None), None)


def _compute(
    self: Any, hidden_states: torch.Tensor, top_k_index: torch.Tensor, top_k_weights: torch.Tensor
) -> torch.Tensor:
    experts, layer = getattr(self, _ATTRIBUTE)
    result: torch.Tensor = experts.compute(layer, self, hidden_states, (top_k_index, top_k_weights))
    return result


ALL_EXPERTS_FUNCTIONS.register(IMPLEMENTATION, _compute)
