"""Brings a model file from the Hugging Face hub to this machine, and says exactly which one it is."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backends.llamacpp.models.digest import check_sha256, sha256_of
from backends.llamacpp.models.header import read_header
from backends.llamacpp.models.hub import HubName, download
from backends.llamacpp.models.progress import Progress, silent
from backends.llamacpp.models.shape import shape_of


@dataclass(frozen=True, slots=True)
class Pulled:
    """A file of the hub on this machine. ``commit`` is the repository's version that it was taken from."""

    path: Path
    name: HubName
    commit: str
    sha256: str
    byte_count: int

    @property
    def options(self) -> dict[str, str]:
        """The options of a llamacpp tier that mean this file and no other."""
        return {"model": self.name.at(self.commit), "sha256": self.sha256}


def pull(model: str, *, sha256: str | None = None, progress: Progress = silent) -> Pulled:
    """Download ``model`` (``hf://owner/repository/file.gguf[@revision]``) and check it.

    What is in the cache is not downloaded again, and what broke off is resumed. Raises Refused where the
    name, the hash or the file is wrong, Unavailable where the hub does not give it.
    """
    name = HubName.parse(model)
    path = download(name, progress=_bar_class(progress))
    shape_of(read_header(path))
    byte_count = path.stat().st_size
    hashed = _Hashed(progress, byte_count)
    if sha256 is None:
        sha256 = sha256_of(path, hashed)
    else:
        check_sha256(path, sha256, hashed)
    # The cache keeps a file at snapshots/<commit>/<its path in the repository>.
    commit = path.parents[len(Path(name.file).parts) - 1].name
    return Pulled(path, name, commit, sha256.lower(), byte_count)


class _Hashed:
    """Counts the bytes that were hashed."""

    def __init__(self, progress: Progress, byte_count: int) -> None:
        self._progress = progress
        self._byte_count = byte_count
        self._done = 0

    def __call__(self, byte_count: int) -> None:
        self._done += byte_count
        self._progress("hashing", self._done, self._byte_count)


def _bar_class(progress: Progress) -> type[Any]:
    """Make a progress bar as huggingface_hub wants it, that draws nothing and tells ``progress``.

    The hub's own bars tell nothing where a process has switched them off, so this is none of them.
    """
    from tqdm import tqdm

    class Bar(tqdm):  # type: ignore[misc]
        def __init__(self, *words: Any, **options: Any) -> None:
            super().__init__(*words, **options | {"file": io.StringIO(), "disable": False})

        def display(self, *_: Any, **__: Any) -> bool:
            progress("downloading", int(self.n), int(self.total or 0))
            return True

    return Bar
