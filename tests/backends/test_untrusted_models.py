"""Model folders made to run code when they are loaded: they do not."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path
from typing import Any

import pytest

from backends.errors import Unavailable
from backends.moe.loading import load_model
from backends.moe.options import MoeOptions

pytestmark = pytest.mark.engines


class Payload:
    """Makes a file when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.mark,)


@pytest.fixture
def folder(tiny_moe: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_moe, tmp_path / "model"))


def test_the_payload_works(tmp_path: Path) -> None:
    """Else the test below would show nothing."""
    pickle.loads(pickle.dumps(Payload(tmp_path / "mark")))
    assert (tmp_path / "mark").exists()


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "consolidated.00.pth"])
def test_pickled_weights_are_not_read(folder: Path, tmp_path: Path, name: str) -> None:
    """A folder with nothing else is refused."""
    (folder / "model.safetensors").unlink()
    (folder / name).write_bytes(pickle.dumps(Payload(tmp_path / "mark")))
    with pytest.raises(Unavailable, match="cannot load the model"):
        load_model(MoeOptions(model=str(folder)))
    assert not (tmp_path / "mark").exists()


def test_code_beside_a_model_is_not_run(folder: Path, tmp_path: Path) -> None:
    """Whether the model is refused or loaded without it."""
    mark = tmp_path / "mark"
    (folder / "modeling_evil.py").write_text(f"import pathlib\npathlib.Path({str(mark)!r}).touch()\n")
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "evil", "auto_map": {"AutoModelForCausalLM": "modeling_evil.Evil"}}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(Unavailable, match="cannot load the model"):
        load_model(MoeOptions(model=str(folder)))
    assert not mark.exists()
