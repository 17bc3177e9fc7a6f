"""API keys: how they are made, written, recognised and kept.

A key is ``upk_<id>_<secret>``: an id to look it up by, and 256 random bits. Of the secret only a salted
BLAKE2b digest is kept. A fast hash is sound here and a slow one useless: there is nothing to guess in 256
random bits, and a slow one would let strangers keep the server busy. Refuses to know where keys are stored.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field, replace

from router.errors import Unauthenticated
from router.tenants.principal import Principal, Scope

SECRET_LENGTH = 43
"""Characters of a key's secret: 256 bits in URL-safe base64, without padding."""
_FORM = re.compile(rf"upk_([0-9a-f]{{12}})_([A-Za-z0-9_-]{{{SECRET_LENGTH}}})")
_PERSON = b"upshift-api-key"
_SALT_BYTE_COUNT = hashlib.blake2b.SALT_SIZE


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What is kept of a key; the times are seconds since 1970, ``expires_s`` None: it does not expire."""

    id: str
    tenants: tuple[str, ...]
    scopes: frozenset[Scope]
    created_s: float
    salt: bytes = field(repr=False)
    digest: bytes = field(repr=False)
    expires_s: float | None = None
    note: str = ""

    def fits(self, secret: str) -> bool:
        """Whether ``secret`` is this key's; takes as long whatever the answer."""
        return hmac.compare_digest(self.digest, _digest(secret, self.salt))

    def has_expired(self, now_s: float) -> bool:
        """Whether it is of no use any more."""
        return self.expires_s is not None and now_s >= self.expires_s

    def principal(self) -> Principal:
        """Who calls by it."""
        return Principal(self.id, self.tenants, self.scopes)

    def expiring(self, at_s: float) -> ApiKey:
        """The same key, ending at ``at_s`` unless it ends earlier."""
        ends_s = at_s if self.expires_s is None else min(at_s, self.expires_s)
        return replace(self, expires_s=ends_s)


def mint(
    *,
    tenants: tuple[str, ...],
    scopes: frozenset[Scope],
    now_s: float,
    expires_s: float | None = None,
    note: str = "",
) -> tuple[ApiKey, str]:
    """Make a key; the second value is the key itself, which nobody can tell again."""
    secret = base64.urlsafe_b64encode(secrets.token_bytes(32)).rstrip(b"=").decode()
    salt = secrets.token_bytes(_SALT_BYTE_COUNT)
    key_id = secrets.token_hex(6)
    key = ApiKey(key_id, tenants, scopes, now_s, salt, _digest(secret, salt), expires_s, note)
    return key, f"upk_{key_id}_{secret}"


def _digest(secret: str, salt: bytes) -> bytes:
    return hashlib.blake2b(secret.encode(), salt=salt, person=_PERSON, digest_size=32).digest()


# Stands in for keys that are not known, so that looking for one takes as long as finding it.
_NOBODY, _ = mint(tenants=("",), scopes=frozenset(), now_s=0.0)


def authenticate(token: str, keys: dict[str, ApiKey], now_s: float) -> Principal:
    """Say who shows ``token``. Raises Unauthenticated, which never quotes it."""
    form = _FORM.fullmatch(token)
    if form is None:
        raise Unauthenticated("KEY_UNKNOWN", "what was sent is no API key; they look like upk_<id>_<secret>")
    key = keys.get(form[1], _NOBODY)
    if not key.fits(form[2]):
        raise Unauthenticated("KEY_UNKNOWN", "the API key is not known here; it may have been revoked")
    if key.has_expired(now_s):
        raise Unauthenticated("KEY_EXPIRED", f"key {key.id} has expired; have it rotated")
    return key.principal()
