"""Puts device-managed experts into a transformers model, through the registry of experts functions.

The model's own code stays as it is: routers, activations and layer order are asked, not known.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from transformers.activations import SiLUActivation
from transformers.integrations import moe

from backends.moe.device.decode import DeviceExperts
from backends.moe.device.prefill import LayerStream, mixed

NAME = "upshift_device"
_PLACE = "_upshift_device_place"

Activate = Callable[[torch.Tensor], torch.Tensor]


class Place:
    """Which layer a module's experts are, and who computes them."""

    def __init__(self, layer: int, experts: DeviceExperts, stream: LayerStream, most_tokens: int) -> None:
        self.layer = layer
        self._experts = experts
        self._stream = stream
        self._most_tokens = most_tokens

    def mix(
        self, module: Any, hidden: torch.Tensor, chosen: torch.Tensor, shares: torch.Tensor
    ) -> torch.Tensor:
        """Mix of the chosen experts' outputs, out of the arena for few tokens and past it for many."""
        activate = _activation(module)
        if len(hidden) <= self._most_tokens:
            plain = _is_plain(module)
            return self._experts(self.layer, hidden, chosen, shares, None if plain else activate)
        rows = self._stream.take(self.layer)
        result = mixed(rows, self._experts.layout, hidden, chosen, shares, activate)
        self._stream.release(self.layer)
        return result


def attach(model: Any, experts: DeviceExperts, *, most_tokens: int = 8) -> None:
    """Let ``experts`` compute for ``model``; steps of up to ``most_tokens`` tokens go through the arena."""
    moe.ALL_EXPERTS_FUNCTIONS.register(NAME, _forward)
    stream = LayerStream(experts.rows, experts.arena.slots.device)
    for layer, module in enumerate(expert_modules(model)):
        setattr(module, _PLACE, Place(layer, experts, stream, most_tokens))
    model.set_experts_implementation(NAME)


def expert_modules(model: nn.Module) -> list[Any]:
    """Modules of ``model`` that hold experts, in the order of its layers."""
    return [module for module in model.modules() if hasattr(module, "is_concatenated")]


def _forward(
    module: Any, hidden_states: torch.Tensor, top_k_index: torch.Tensor, top_k_weights: torch.Tensor
) -> torch.Tensor:
    place: Place = getattr(module, _PLACE)
    return place.mix(module, hidden_states, top_k_index, top_k_weights)


def _activation(module: Any) -> Activate:
    activate: Activate = module._apply_gate if module.has_gate else module.act_fn  # noqa: SLF001 - the hook's own name
    return activate


def _is_plain(module: Any) -> bool:
    """Whether the module's activation is silu(gate) * up, of halves: what the kernel has built in."""
    default = getattr(moe, "_default_apply_gate", None)
    return (
        module.has_gate
        and module.is_concatenated
        and default is not None
        and type(module)._apply_gate is default  # noqa: SLF001
        and isinstance(getattr(module, "act_fn", None), SiLUActivation | nn.SiLU)
    )
