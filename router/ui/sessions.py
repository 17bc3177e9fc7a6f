"""Who is logged in: sessions in the memory of the server, by random cookies of which only a digest is kept.

Decides how long a login lasts and how many there may be. A key that is revoked or expires ends its sessions.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from router.tenants.key_ring import KeyRing
from router.tenants.principal import Principal, Scope

MAX_SESSION_COUNT = 256


@dataclass(frozen=True, slots=True)
class Session:
    """A login. ``principal`` None: nobody is asked for a key. Forms and scripts send ``csrf`` back."""

    principal: Principal | None
    csrf: str
    ends_s: float

    @property
    def by(self) -> str:
        """Who it is, for the audit log and for versions of the configuration."""
        return "-" if self.principal is None else self.principal.key_id

    def has_sent(self, token: str) -> bool:
        """Whether ``token`` is its own; takes as long whatever the answer."""
        return hmac.compare_digest(self.csrf.encode(), token.encode("utf-8", "replace"))


class Sessions:
    """All logins by keys of ``keys``, each for ``duration_s``. ``clock`` gives steady seconds."""

    def __init__(self, keys: KeyRing, duration_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._keys = keys
        self._duration_s = duration_s
        self._clock = clock
        self._sessions: dict[bytes, Session] = {}

    @property
    def duration_s(self) -> float:
        """How long a login lasts."""
        return self._duration_s

    def open(self) -> None:
        """Read the keys. Raises KeyFileError."""
        self._keys.open()

    def weakness(self) -> str | None:
        """Say why the admin keys must not guard pages that other machines reach; None: they may."""
        return self._keys.weakness()

    def log_in(self, key: str) -> tuple[str, Session]:
        """Begin a session and name its cookie. Raises Unauthenticated or PermissionDenied."""
        principal = self._keys.authenticate(key)
        principal.require(Scope.ADMIN)
        self._forget_ended()
        while len(self._sessions) >= MAX_SESSION_COUNT:
            del self._sessions[next(iter(self._sessions))]
        cookie = secrets.token_urlsafe(32)
        session = Session(principal, secrets.token_urlsafe(32), self._clock() + self._duration_s)
        self._sessions[_digest(cookie)] = session
        return cookie, session

    def find(self, cookie: str) -> Session | None:
        """The session of ``cookie``; None: there is none any more."""
        session = self._sessions.get(_digest(cookie))
        if session is None:
            return None
        assert session.principal is not None, "sessions begin with a key"
        if session.ends_s <= self._clock() or not self._keys.holds(session.principal):
            del self._sessions[_digest(cookie)]
            return None
        return session

    def log_out(self, cookie: str) -> None:
        """End the session of ``cookie``, where there is one."""
        self._sessions.pop(_digest(cookie), None)

    def _forget_ended(self) -> None:
        now_s = self._clock()
        self._sessions = {name: one for name, one in self._sessions.items() if one.ends_s > now_s}


def _digest(cookie: str) -> bytes:
    """What a session is looked up by: how long looking takes tells nothing of the cookie."""
    return hashlib.sha256(cookie.encode("utf-8", "replace")).digest()
