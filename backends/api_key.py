"""The secret that a server knows us by: from the configuration, or from a file that may change.

Decides when the file is read: at first use, and whenever it was changed since, so that a key can be
rotated without a restart. A key never shows: not in ``repr``, not in errors.
"""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import SecretStr

from backends.errors import Unavailable

# No provider's key is longer; what is, is another file.
_MAX_BYTE_COUNT = 16_384


class ApiKey:
    """A key given as ``value``, or kept in the file at ``path``; neither: there is none."""

    def __init__(self, value: SecretStr | None, path: str | None) -> None:
        self._value = value
        self._path = path
        self._seen: tuple[int, int, int] | None = None

    def current(self) -> str | None:
        """Return the key as it is now; None: there is none. Takes 2 µs where the file is as it was.

        Raises Unavailable where the file holds no key. A file that is gone for a moment, as while it is
        replaced, leaves the key as it was.
        """
        if self._path is not None:
            self._refresh(self._path)
        return None if self._value is None else self._value.get_secret_value()

    def _refresh(self, path: str) -> None:
        try:
            status = os.stat(path)
            seen = (status.st_mtime_ns, status.st_size, status.st_ino)
            if seen == self._seen:
                return
            if status.st_size > _MAX_BYTE_COUNT:
                raise Unavailable(f"{path} has {status.st_size} bytes, too many for a key; name another file")
            self._value = _checked(Path(path).read_bytes(), path)
            self._seen = seen
        except OSError as exc:
            if self._value is None:
                said = exc.strerror or type(exc).__name__
                raise Unavailable(f"the key's file {path} cannot be read: {said}") from exc


def _checked(content: bytes, path: str) -> SecretStr:
    try:
        key = content.decode("ascii").strip()
    except UnicodeDecodeError:
        key = ""
    if not key.isprintable() or not key:
        # Without `from`: the decoder's error quotes what it read.
        raise Unavailable(f"{path} must hold one line of printable ASCII, the key; write it there") from None
    return SecretStr(key)
