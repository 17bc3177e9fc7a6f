"""Whether a file is the one that was meant: SHA-256."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from backends.errors import Refused

_CHUNK_BYTES = 1 << 22


def sha256_of(path: Path, advance: Callable[[int], object] = lambda _: None) -> str:
    """SHA-256 of a file in hexadecimal; ``advance`` hears how many bytes more were read."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
            advance(len(chunk))
    return digest.hexdigest()


def check_sha256(path: Path, expected: str, advance: Callable[[int], object] = lambda _: None) -> None:
    """Raise Refused where the file at ``path`` is not the one meant; ``advance`` as above."""
    found = sha256_of(path, advance)
    if found != expected.lower():
        raise Refused(
            f"{path} has the SHA-256 {found}, not {expected}: it is damaged or another version; get it "
            "again, or correct 'sha256'"
        )
