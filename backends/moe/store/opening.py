"""Opens the converted experts of a checkpoint, or has them converted: once, by one process at a time."""

from __future__ import annotations

import logging
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from backends.moe.errors import CannotOffload, DamagedStore, TooLittleMemory
from backends.moe.store.files import DiskTier, MappedTier, pinned_from
from backends.moe.store.header import Header, read_header
from backends.moe.store.tiers import Tier, TierName
from backends.moe.store.writer import StoreWriter, remove_leftovers

_log = logging.getLogger(__name__)


def path_of(folder: Path, name: str, header: Header) -> Path:
    """Name the store of ``header`` in ``folder``; ``name`` is for people who look there."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.") or "model"
    return folder / f"{plain}-{header.shape.layout.scheme}-{header.key}.experts"


def make_folder(folder: Path) -> None:
    """Make the folder for stores where it is not there; raises CannotOffload where nothing can be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as exc:
        raise CannotOffload(
            f"{folder}, the folder of converted experts, cannot be written to ({exc.strerror}); "
            "set offload.cache_dir to one that can"
        ) from exc


def is_there(path: Path, header: Header) -> bool:
    """Whether ``path`` holds the finished store of ``header``; a damaged one is removed, with a warning."""
    try:
        return read_header(path)[0] == header
    except FileNotFoundError:
        return False
    except DamagedStore as exc:
        _log.warning("%s; it is converted again", exc)
        path.unlink(missing_ok=True)
        return False


@contextmanager
def converting(path: Path) -> Iterator[None]:
    """Let one process convert ``path`` at a time; others wait here, and then find it done.

    The lock ends with the process that holds it. Where the system has none, converters work side
    by side, and the last one's file stays.
    """
    with path.with_name(f".{path.name}.lock").open("a") as file:
        if _lock(file.fileno(), path):
            remove_leftovers(path)
        yield


def writer_for(path: Path, header: Header) -> StoreWriter:
    """Begin to write the store at ``path``; call it inside ``converting``. Raises TooLittleMemory."""
    size = header.file_byte_count / 2**30
    _log.info("converting experts into %s (%.2f GiB)", path, size)
    try:
        return StoreWriter(path, header)
    except OSError as exc:
        raise TooLittleMemory(
            f"the converted experts take {size:.2f} GiB and {path.parent} has no room for them "
            f"({exc.strerror}); make room, set offload.cache_dir to another disk, or offload.weights to int4"
        ) from exc


def open_tier(path: Path, tier: TierName, *, gpu: bool) -> Tier:
    """Open the store at ``path``; pinned memory without a GPU that could read it is pageable, and says so."""
    if tier == "ssd":
        return DiskTier(path)
    if tier == "pinned" and gpu:
        return pinned_from(path)
    if tier == "pinned":
        _log.warning("no GPU computes, so the experts' memory is not pinned: store is pageable")
    return MappedTier(path)


def _lock(file: int, path: Path) -> bool:
    """Wait for the lock; False: the system has none."""
    try:
        import fcntl
    except ImportError:  # Windows
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        _log.info("process %d waits: another one converts %s", os.getpid(), path)
        fcntl.flock(file, fcntl.LOCK_EX)
    except OSError as exc:
        _log.warning("%s cannot be locked (%s); another process may convert it too", path, exc.strerror)
        return False
    return True
