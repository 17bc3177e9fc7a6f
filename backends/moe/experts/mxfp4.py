"""Reads experts that a checkpoint holds in MXFP4, one at a time, past transformers' own quantiser.

That one needs a GPU's kernels, or makes whole layers of bfloat16.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open

from backends.moe.errors import NoExpertsHook
from backends.moe.experts.checkpoint_files import files_of
from backends.moe.experts.filling import Filling
from backends.moe.experts.modules import ExpertModules
from backends.moe.store.mxfp4 import restored_mxfp4
from backends.moe.store.rows import Part

METHOD = "mxfp4"
PARTS: dict[str, Part] = {"gate_up_proj": "up", "down_proj": "down"}


def fill(filling: Filling, experts: ExpertModules, folder: Path) -> None:
    """Pack all matrices of the checkpoint in ``folder``; raises NoExpertsHook where some are not there."""
    files = files_of(folder)
    for module in experts.modules:
        for name, part in PARTS.items():
            filling.put(module, part, _matrices(files, f"{module}.{name}", experts.dtype))


def _matrices(files: dict[str, Path], name: str, dtype: torch.dtype) -> Iterator[torch.Tensor]:
    blocks, scales = _slice(files, f"{name}_blocks"), _slice(files, f"{name}_scales")
    for expert in range(blocks.get_shape()[0]):
        yield restored_mxfp4(blocks[expert], scales[expert], dtype)


def _slice(files: dict[str, Path], name: str) -> Any:
    if name not in files:
        raise NoExpertsHook(f"the checkpoint lacks {name}; is it complete?")
    with safe_open(files[name], "pt") as file:
        return file.get_slice(name)
