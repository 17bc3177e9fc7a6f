"""Builds a model of random weights whose experts are rows in host memory."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from transformers import AutoModelForCausalLM

from backends.moe.store import tiers
from backends.moe.store.layout import RowLayout

_EXPERT_PARAMETERS = ("gate_up_proj", "down_proj", "gate_up_proj_bias", "down_proj_bias")


def dense_model(settings: Any, device: torch.device) -> Any:
    """A model without the weights of its experts; bfloat16, random."""
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(settings, dtype=torch.bfloat16, attn_implementation="sdpa")
    for module in expert_modules(model):
        for name in _EXPERT_PARAMETERS:
            if hasattr(module, name):
                delattr(module, name)
    model.to_empty(device=device)
    for name, parameter in model.named_parameters():
        if "norm" in name:
            parameter.data.fill_(1.0)
        else:
            parameter.data.normal_(std=0.02)
    # Tables that no checkpoint holds are made anew: what lay on "meta" has no values.
    model.model.rotary_emb = type(model.model.rotary_emb)(config=settings).to(device)
    return model.eval()


def pinned(byte_count: int) -> torch.Tensor:
    """Host memory that the GPU reads directly; uint8, exactly so many bytes."""
    memory = torch.empty(byte_count, dtype=torch.uint8)
    tiers.pin(memory)
    return memory


def unpin(memory: torch.Tensor) -> None:
    """Give back what ``pinned`` took."""
    torch.cuda.synchronize()
    tiers.unpin(memory)


def random_rows(memory: torch.Tensor, layer_count: int, expert_count: int, layout: RowLayout) -> torch.Tensor:
    """Fill pinned ``memory`` with experts of random codes; uint8, (layers, experts, row bytes)."""
    rows = memory[: layer_count * expert_count * layout.byte_count].view(layer_count, expert_count, -1)
    for target in rows:
        target.copy_(random_layer(expert_count, layout))
    return rows


def random_layer(expert_count: int, layout: RowLayout) -> torch.Tensor:
    """Experts of random codes, all 16 values evenly, for weights with a deviation of .02; on the GPU."""
    layer = torch.empty((expert_count, layout.byte_count), dtype=torch.uint8, device="cuda").random_(0, 256)
    for name in ("up", "down"):
        for plane, steps in (("hi", 4), ("lo", 16)):
            grid = layout.view(layer, f"{name}.{plane}.grid")
            scale = 0.02 * 12**0.5 / steps
            grid[..., 0], grid[..., 1] = scale, -scale * (steps - 1) / 2
    return layer


def expert_modules(model: nn.Module) -> list[Any]:
    """Modules of ``model`` that hold experts, in the order of its layers."""
    return [module for module in model.modules() if hasattr(module, "is_concatenated")]
