"""Versions of the configuration that were served, kept on the disk, newest last.

Decides how they are written: one strict JSON file a version, readable by its owner only, for a
configuration may hold secrets. Refuses to know which one is served.
"""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from router.errors import UnknownVersion
from router.live.config_file import etag_of

MAX_VERSION_COUNT = 100
_NAME = re.compile(r"(\d{6,})\.json")


class Version(BaseModel):
    """One version: its ``number`` counts from 1, ``origin`` says how it came, ``by`` who brought it."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    number: int
    etag: str
    time_s: float
    origin: str
    by: str
    text: str

    @property
    def time(self) -> datetime:
        """When it was first served."""
        return datetime.fromtimestamp(self.time_s, UTC)


def folder_of(path: Path, configured: Path | None) -> Path:
    """Where versions of the configuration at ``path`` are kept, unless it says so itself."""
    return configured or path.with_name(f"{path.name}.versions")


class Versions:
    """The versions in ``folder``, which is made when there is one to keep."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def keep(self, text: str, *, origin: str, by: str, time_s: float) -> Version:
        """Keep ``text`` as the newest version, unless it is that already. Raises OSError."""
        numbers = self._numbers()
        newest = self._read(numbers[-1]) if numbers else None
        if newest is not None and newest.text == text:
            return newest
        number = numbers[-1] + 1 if numbers else 1
        version = Version(number=number, etag=etag_of(text), time_s=time_s, origin=origin, by=by, text=text)
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._write(version)
        for old in numbers[: len(numbers) + 1 - MAX_VERSION_COUNT]:
            self._path(old).unlink(missing_ok=True)
        return version

    def all(self) -> tuple[Version, ...]:
        """Every version, oldest first; what cannot be read is passed over."""
        found = (self._read(number) for number in self._numbers())
        return tuple(version for version in found if version is not None)

    def get(self, number: int) -> Version:
        """Return a version. Raises UnknownVersion."""
        version = self._read(number)
        if version is None:
            raise UnknownVersion(
                f"no version {number} is kept in {self.folder}; {self._said()}",
                metadata={"version": str(number)},
            )
        return version

    def before(self, etag: str) -> Version:
        """Return the newest version whose text is another than that of ``etag``. Raises UnknownVersion."""
        for number in reversed(self._numbers()):
            version = self._read(number)
            if version is not None and version.etag != etag:
                return version
        raise UnknownVersion(f"no earlier version is kept in {self.folder}; nothing was changed")

    def _said(self) -> str:
        numbers = self._numbers()
        return f"there are {numbers[0]} to {numbers[-1]}" if numbers else "there is none yet"

    def _numbers(self) -> list[int]:
        if not self.folder.is_dir():
            return []
        names = (_NAME.fullmatch(path.name) for path in self.folder.iterdir())
        return sorted(int(name[1]) for name in names if name is not None)

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:06}.json"

    def _read(self, number: int) -> Version | None:
        try:
            return Version.model_validate_json(self._path(number).read_bytes())
        except (OSError, ValidationError):
            return None

    def _write(self, version: Version) -> None:
        fresh = self.folder / f".{version.number}.{os.getpid()}.new"
        with open(fresh, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            file.write(version.model_dump_json(indent=1).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path(version.number))
