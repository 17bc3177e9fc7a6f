"""Finds the GGUF file that a configuration names, on this machine or on the Hugging Face hub."""

from __future__ import annotations

import re
from contextlib import suppress
from functools import partial
from pathlib import Path

from backends.errors import Unavailable

_HUB = re.compile(
    r"hf://(?P<repository>[^/@]+/[^/@]+)/(?P<file>[^@]+\.gguf)(?:@(?P<revision>[^@]+))?", re.IGNORECASE
)
_MAGIC = b"GGUF"


def model_name(model: str) -> str:
    """Short name of ``model``: the file's, without its folder, its ending and its revision."""
    return Path(model.removeprefix("hf://").partition("@")[0]).stem


def find_model(model: str) -> Path:
    """Return the path of the GGUF file, after a download where ``model`` is on the hub and not cached.

    Raises Unavailable that says what is wrong with the name, the file or the download.
    """
    path = _download(model) if model.startswith("hf://") else Path(model).expanduser()
    if not path.is_file():
        raise Unavailable(f"there is no model file at {path}; check the tier's option 'model'")
    with path.open("rb") as file:
        magic = file.read(len(_MAGIC))
    if magic != _MAGIC:
        raise Unavailable(f"{path} is not a GGUF file: it starts with {magic!r}, not {_MAGIC!r}")
    return path


def _download(model: str) -> Path:
    match = _HUB.fullmatch(model)
    if match is None:
        raise Unavailable(f"{model!r} is not of the form hf://owner/repository/file.gguf[@revision]")
    import huggingface_hub

    download = partial(
        huggingface_hub.hf_hub_download, match["repository"], match["file"], revision=match["revision"]
    )
    try:
        # What was downloaded once needs no network again, and does not change under a running service.
        with suppress(huggingface_hub.errors.LocalEntryNotFoundError):
            return Path(download(local_files_only=True))
        return Path(download())
    except (OSError, ValueError, huggingface_hub.errors.HfHubHTTPError) as exc:
        raise Unavailable(
            f"cannot get {model} from the Hugging Face hub ({type(exc).__name__}); check the name and the "
            "connection, or put the file on this machine and give its path"
        ) from exc
