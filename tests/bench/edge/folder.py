"""Where things are kept that are made once and take long: models, sources, programs."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder(*parts: str) -> Path:
    """Return the folder ``parts`` of the benchmark's cache, made where it is not there."""
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = root.joinpath("upshift", "bench", *parts)
    folder.mkdir(parents=True, exist_ok=True)
    return folder
