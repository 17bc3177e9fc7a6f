"""The file that a configuration names."""

from __future__ import annotations

from pathlib import Path

import pytest

from backends.errors import Unavailable
from backends.llamacpp.model_file import find_model, model_name


def test_says_so_when_the_hub_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    """Offline, a model that is not cached is Unavailable with what to do."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(Unavailable, match="put the file on this machine"):
        find_model("hf://nobody/nothing/none.gguf")


def test_a_wrong_hub_name_is_explained() -> None:
    """A name that cannot be on the hub is not looked for."""
    with pytest.raises(Unavailable, match="not of the form"):
        find_model("hf://owner/model")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """The error says where it was looked for, and which option names it."""
    with pytest.raises(Unavailable, match=r"no\.gguf; check the tier's option 'model'"):
        find_model(str(tmp_path / "no.gguf"))


def test_names_the_model_by_its_file() -> None:
    """Neither folder nor revision is part of the model's name."""
    assert model_name("hf://owner/repo/Small-Q4_0.gguf@main") == "Small-Q4_0"
    assert model_name("/models/Small-Q4_0.gguf") == "Small-Q4_0"
