"""The keys that a running server knows: read at the start, and anew when their file changes.

A file that is broken or gone later changes nothing but the log: the last good keys stay, so that a slip of
an editor shuts nobody out. Refuses to know how a key is sent.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path

from router.tenants.admin_keys import weakness_of
from router.tenants.key_file import KeyFileError, read_keys
from router.tenants.keys import ApiKey, authenticate
from router.tenants.principal import Principal

# A key that is revoked stops being taken this much later, at most.
REFRESH_INTERVAL_S = 1.0
_LOG = logging.getLogger(__name__)


class KeyRing:
    """The keys in the file at ``path``. ``clock`` gives seconds since 1970, ``timer`` any steady seconds."""

    def __init__(
        self,
        path: Path,
        *,
        clock: Callable[[], float] = time.time,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = path
        self._clock = clock
        self._timer = timer
        self._keys: dict[str, ApiKey] = {}
        self._seen: object = None
        self._due_s = 0.0

    def open(self) -> None:
        """Read the file. Raises KeyFileError."""
        self._seen = _signature(self._path)
        self._keys = read_keys(self._path)
        self._due_s = self._timer() + REFRESH_INTERVAL_S

    def weakness(self) -> str | None:
        """Say why the admin keys must not guard a port that other machines reach; None: they may."""
        return weakness_of(self._path, self._keys.values(), self._clock())

    def authenticate(self, token: str) -> Principal:
        """Say who shows ``token``. Raises router.errors.Unauthenticated."""
        if self._timer() >= self._due_s:
            self.refresh()
        return authenticate(token, self._keys, self._clock())

    def holds(self, principal: Principal) -> bool:
        """Whether the key that ``principal`` showed is still good for what it was then."""
        if self._timer() >= self._due_s:
            self.refresh()
        key = self._keys.get(principal.key_id)
        return key is not None and not key.has_expired(self._clock()) and key.principal() == principal

    def refresh(self) -> None:
        """Read the file anew if it has changed."""
        self._due_s = self._timer() + REFRESH_INTERVAL_S
        seen = _signature(self._path)
        if seen == self._seen:
            return
        self._seen = seen
        try:
            self._keys = read_keys(self._path)
            _LOG.info("%s has changed: %d keys", self._path, len(self._keys))
        except KeyFileError as exc:
            _LOG.error("the keys stay as they were: %s", exc)


def _signature(path: Path) -> object:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size
