"""Models that are made once a session for whoever asks."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def tiny_gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random dense model as GGUF; the same weights as safetensors lie in its folder."""
    from tests import tiny_models

    return tiny_models.save_dense(tmp_path_factory.mktemp("dense"))


@pytest.fixture(scope="session")
def tiny_moe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a random mixture of experts."""
    from tests import tiny_models

    return tiny_models.save_moe(tmp_path_factory.mktemp("moe"))
