"""Reads checkpoints in FP8: experts one at a time into rows, all else as the tensors it stands for.

transformers' own way makes whole layers of bfloat16 of the experts. Experts have to lie one by one,
with gate and up apart, as DeepSeek-V3's and Qwen3's do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors import safe_open

from backends.moe.errors import NoExpertsHook
from backends.moe.experts.checkpoint_files import files_of
from backends.moe.experts.filling import Filling
from backends.moe.experts.modules import ExpertModules
from backends.moe.store.fp8 import restored_fp8
from backends.moe.store.rows import Part

METHOD = "fp8"
PARTS: dict[str, Part] = {"gate_up_proj": "up", "up_proj": "up", "down_proj": "down"}
_SCALE = "_scale_inv"
_OF_EXPERTS = re.compile(r"\.experts\.\d+\.")


def fill(filling: Filling, experts: ExpertModules, folder: Path) -> None:
    """Pack all matrices of the checkpoint in ``folder``; raises NoExpertsHook where some are not there."""
    files = files_of(folder)
    up = ("gate_proj", "up_proj") if experts.shape.has_gate else ("up_proj",)
    parts: dict[Part, tuple[str, ...]] = {"up": up, "down": ("down_proj",)}
    for module in experts.modules:
        for part, names in parts.items():
            filling.put(module, part, _matrices(files, module, names, experts))


def dense_tensors(folder: Path, dtype: torch.dtype) -> dict[str, torch.Tensor]:
    """All tensors in ``folder`` but those of experts; in ``dtype`` where they are in FP8 there."""
    files = files_of(folder)
    names = [name for name in files if not _OF_EXPERTS.search(name) and not name.endswith(_SCALE)]
    return {name: _tensor(files, name, dtype) for name in names}


def _matrices(
    files: dict[str, Path], module: str, names: tuple[str, ...], experts: ExpertModules
) -> Iterator[torch.Tensor]:
    for expert in range(experts.expert_count):
        parts = [_tensor(files, f"{module}.{expert}.{name}.weight", experts.dtype) for name in names]
        yield torch.cat(parts)


def _tensor(files: dict[str, Path], name: str, dtype: torch.dtype) -> torch.Tensor:
    tensor = _read(files, name)
    if tensor.dtype != torch.float8_e4m3fn:
        return tensor
    try:
        return restored_fp8(tensor, _read(files, name + _SCALE), dtype)
    except ValueError as exc:
        raise NoExpertsHook(
            f"the scales of {name} do not fit it ({exc}); is the checkpoint complete?"
        ) from exc


def _read(files: dict[str, Path], name: str) -> torch.Tensor:
    if name not in files:
        raise NoExpertsHook(f"the checkpoint lacks {name}; is it complete?")
    with safe_open(files[name], "pt") as file:
        tensor: torch.Tensor = file.get_tensor(name)
        return tensor
