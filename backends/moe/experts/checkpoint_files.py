"""Which file of a checkpoint holds a tensor."""

from __future__ import annotations

import json
from pathlib import Path

from safetensors import safe_open


def files_of(folder: Path) -> dict[str, Path]:
    """Return the safetensors file of each tensor of the checkpoint in ``folder``."""
    index = folder / "model.safetensors.index.json"
    if index.exists():
        names: dict[str, str] = json.loads(index.read_text())["weight_map"]
        return {tensor: folder / file for tensor, file in names.items()}
    single = folder / "model.safetensors"
    with safe_open(single, "pt") as file:
        return dict.fromkeys(file.keys(), single)
