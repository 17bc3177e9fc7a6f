"""The configuration's file: read as a whole, known by an ETag, replaced as a whole.

Decides how a text is named and written. Refuses to know what happens to a configuration that is read.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from router.config.load import parse, read_text
from router.config.model import Config
from router.errors import ConfigRefused


@dataclass(frozen=True, slots=True)
class Written:
    """A configuration as it is written, and what it says."""

    text: str
    config: Config

    @property
    def etag(self) -> str:
        """Name of this text: the same for the same text, wherever it lies."""
        return etag_of(self.text)


def etag_of(text: str) -> str:
    """Name ``text``: 32 hexadecimal digits of its SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


class ConfigFile:
    """The file at ``path``. ``adjust`` changes what it says by what a command line said."""

    def __init__(self, path: Path, adjust: Callable[[Config], Config] = lambda config: config) -> None:
        self.path = path
        self._adjust = adjust

    def read(self) -> Written:
        """Read and check the file. Raises ConfigError with all problems."""
        return self.parsed(self.read_text())

    def read_text(self) -> str:
        """Read the file unchecked. Raises ConfigError where it cannot be."""
        return read_text(self.path)

    def parsed(self, text: str) -> Written:
        """Check ``text`` as if it stood in the file. Raises ConfigError with all problems."""
        config = parse(text, source=str(self.path), directory=self.path.parent)
        return Written(text, self._adjust(config))

    def write(self, text: str) -> None:
        """Replace the file's text, on the disk when this returns. Raises ConfigRefused."""
        # Of a link the target is replaced: who mounts configurations means it to stay one.
        path = self.path.resolve()
        fresh = path.with_name(f".{path.name}.{os.getpid()}.new")
        try:
            mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o600
            with open(fresh, "wb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
                file.write(text.encode())
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(path)
        except OSError as exc:
            with contextlib.suppress(OSError):
                fresh.unlink(missing_ok=True)
            raise ConfigRefused(
                "FILE_NOT_WRITTEN",
                f"{self.path} cannot be written ({exc.strerror}), so nothing was changed; change the file "
                "where it comes from and reload",
            ) from exc
