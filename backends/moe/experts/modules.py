"""Finds the experts of a transformers model, and says how they are built: read from the model, never guessed.

Knows the convention of ``use_experts_implementation``: fused 3-D parameters, and attributes that
tell of gate, bias and order. Versions of transformers differ in which attributes there are.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from backends.moe.errors import NoExpertsHook, NotMoe
from backends.moe.store.layout import ExpertShape
from backends.moe.store.rows import Part

PARTS: dict[str, Part] = {
    "gate_up_proj": "up",
    "up_proj": "up",
    "down_proj": "down",
    "gate_up_proj_bias": "up.bias",
    "up_proj_bias": "up.bias",
    "down_proj_bias": "down.bias",
}
_COUNTS = ("num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts")


@dataclass(frozen=True, slots=True)
class ExpertModules:
    """Experts modules by name, in the order of the layers, which all have the same shape.

    ``commit``: the checkpoint's on the hub; None: it came from a folder.
    """

    modules: dict[str, nn.Module]
    shape: ExpertShape
    expert_count: int
    top_k: int
    dtype: torch.dtype
    commit: str | None = None

    @property
    def layer_count(self) -> int:
        """Layers that have experts."""
        return len(self.modules)


def find_experts(model: nn.Module) -> ExpertModules:
    """Find the experts of ``model``, whose weights may be on the meta device; raises CannotOffload."""
    modules = {name: module for name, module in model.named_modules() if _is_experts(module)}
    config = _text_config(model)
    if not modules:
        raise _without_experts(type(model).__name__, config)
    shapes = {_shape_of(module) for module in modules.values()}
    if len(shapes) > 1:
        raise NoExpertsHook(
            f"{type(model).__name__} has experts of {len(shapes)} shapes, and a store holds one; "
            "leave 'offload' out"
        )
    ((shape, expert_count, dtype),) = shapes
    commit = getattr(config, "_commit_hash", None)
    return ExpertModules(modules, shape, expert_count, _top_k(config), dtype, commit)


def part_of(parameter_name: str) -> tuple[str, Part] | None:
    """Split the name of a parameter into its module's and the part of a row; None: it is no part."""
    module, _, name = parameter_name.rpartition(".")
    part = PARTS.get(name)
    return None if part is None else (module, part)


def canonical(module: nn.Module, part: Part, values: torch.Tensor) -> torch.Tensor:
    """Turn ``part`` as the parameter has it into (..., outputs, inputs), or (..., outputs) for biases."""
    turned = getattr(module, "is_transposed", False) and not part.endswith(".bias")
    return values.transpose(-1, -2) if turned else values


def drop_weights(module: nn.Module, names: Iterable[str]) -> None:
    """Take fused parameters out of ``module``; what lies in rows is all there is from now on."""
    for name in names:
        if hasattr(module, name):
            delattr(module, name)


def _is_experts(module: nn.Module) -> bool:
    down = dict(module.named_parameters(recurse=False)).get("down_proj")
    return down is not None and down.ndim == 3 and hasattr(module, "_apply_gate")


def _shape_of(module: nn.Module) -> tuple[ExpertShape, int, torch.dtype]:
    down = module.get_parameter("down_proj")
    count, first, second = down.shape
    turned = bool(getattr(module, "is_transposed", False))
    hidden, inner = (second, first) if turned else (first, second)
    has_gate = bool(getattr(module, "has_gate", True))
    has_bias = bool(getattr(module, "has_bias", False))
    return ExpertShape(hidden, inner, has_gate, has_bias), count, down.dtype


def _text_config(model: nn.Module) -> Any:
    config: Any = model.config
    return config.get_text_config() if hasattr(config, "get_text_config") else config


def _without_experts(name: str, config: Any) -> NotMoe | NoExpertsHook:
    if any((getattr(config, count, None) or 0) > 1 for count in _COUNTS):
        return NoExpertsHook(
            f"{name} has experts, but not in the form that can be offloaded (fused parameters behind "
            "transformers' use_experts_implementation); leave 'offload' out, or update transformers"
        )
    return NotMoe(f"{name} is not a mixture of experts; there is nothing to offload: leave 'offload' out")


def _top_k(config: Any) -> int:
    """Experts of a token."""
    for name in ("num_experts_per_tok", "moe_top_k", "moe_k", "top_k_experts", "num_experts_per_token"):
        if value := getattr(config, name, None):
            return int(value)
    return 1
