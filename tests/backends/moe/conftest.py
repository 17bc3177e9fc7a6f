"""Models and loaders that tests of offloading share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers.utils import logging as transformers_logging

from backends.moe.checkpoint import Checkpoint
from backends.moe.experts.function import experts_of
from backends.moe.offload_options import OffloadOptions
from backends.moe.offloading import load_offloaded
from tests.backends.moe.mixtures import save

Saved = Callable[..., Path]
Offloaded = Callable[..., Any]


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> Iterator[None]:
    """Let torch compute on one thread: models this small gain nothing by more, and wait where others work."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Saved:
    """Give the folder of a family's tiny model; it is made once for each type."""
    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity_error()
    folders: dict[tuple[str, torch.dtype], Path] = {}

    def give(family: str, dtype: torch.dtype = torch.float32) -> Path:
        key = (family, dtype)
        if key not in folders:
            folders[key] = save(family, tmp_path_factory.mktemp(family), dtype)
        return folders[key]

    return give


@pytest.fixture
def offloaded(tmp_path: Path) -> Iterator[Offloaded]:
    """Load a folder with its experts offloaded; stores go into the test's own folder."""
    models = []

    def load(folder: Path, **options: Any) -> Any:
        chosen = OffloadOptions(**({"cache_dir": tmp_path / "stores"} | options))
        models.append(load_offloaded(Checkpoint(str(folder)), chosen, "cpu").eval())
        return models[-1]

    yield load
    for model in models:
        if (experts := experts_of(model)) is not None:
            experts.close()
