"""Finds the GGUF file that a configuration names, on this machine or on the Hugging Face hub.

Decides whether it is the file that was meant, and sound enough to be shown to llama.cpp.
"""

from __future__ import annotations

from pathlib import Path

from backends.errors import Refused, Unavailable
from backends.llamacpp.models.digest import check_sha256
from backends.llamacpp.models.header import read_header
from backends.llamacpp.models.hub import HubName, cached, download
from backends.llamacpp.models.shape import shape_of


def model_name(model: str) -> str:
    """Short name of ``model``: the file's, without its folder, its ending and its revision."""
    return Path(model.removeprefix("hf://").partition("@")[0]).stem


def find_model(model: str, sha256: str | None = None, *, option: str = "model") -> Path:
    """Return the path of the GGUF file, after a download where ``model`` is on the hub and not cached.

    ``sha256`` (lower-case hexadecimal) must be the file's; None: not checked. ``option`` is the one that
    named it. Raises Unavailable that says what is wrong with the name, the file or the download.
    """
    try:
        path = _cached_or_downloaded(model) if model.startswith("hf://") else Path(model).expanduser()
        if not path.is_file():
            raise Unavailable(f"there is no model file at {path}; check the tier's option {option!r}")
        shape_of(read_header(path))
        if sha256 is not None:
            check_sha256(path, sha256)
    except Refused as exc:
        raise Unavailable(str(exc)) from exc
    return path


def _cached_or_downloaded(model: str) -> Path:
    name = HubName.parse(model)
    # What was downloaded once needs no network again, and does not change under a running service.
    return cached(name) or download(name)
