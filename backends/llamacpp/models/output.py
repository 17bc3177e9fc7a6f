"""Files that appear whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from backends.errors import Refused


def refuse_overwrite(target: Path, *, force: bool) -> None:
    """Raise Refused where something is at ``target`` already and nobody said to replace it."""
    if target.exists() and not force:
        raise Refused(f"{target} is there already; give another name, or --force to replace it")
    if not target.parent.is_dir():
        raise Refused(f"there is no folder {target.parent} to write {target.name} into")


@contextmanager
def unfinished(target: Path) -> Iterator[Path]:
    """Give a path beside ``target`` to write to; it takes the target's place when all went well.

    Otherwise nothing is left.
    """
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        yield part
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
