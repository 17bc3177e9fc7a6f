"""Who calls: read from a call's metadata or headers, ``authorization: Bearer <key>``.

Decides how a key is sent. Refuses to know what keys look like and where they are kept; what was sent goes
nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping

from router.errors import Unauthenticated
from router.rpc.names import AUTHORIZATION_KEY
from router.tenants.key_ring import KeyRing
from router.tenants.principal import Principal, Scope

_SCHEME = "bearer "


class Authenticator:
    """Lets in who shows a key of ``keys``."""

    def __init__(self, keys: KeyRing) -> None:
        self._keys = keys

    def principal(self, metadata: Mapping[str, str | bytes], scope: Scope) -> Principal:
        """Say who calls, and that they may. Raises Unauthenticated or PermissionDenied."""
        sent = metadata.get(AUTHORIZATION_KEY)
        if not isinstance(sent, str) or not sent:
            return self.recognised(None, scope)
        # RFC 9110, section 11.1: the scheme's case does not matter.
        if sent[: len(_SCHEME)].lower() != _SCHEME:
            raise Unauthenticated("KEY_MISSING", "the authorization sent is none of `Bearer <key>`")
        return self.recognised(sent[len(_SCHEME) :].strip(), scope)

    def recognised(self, key: str | None, scope: Scope) -> Principal:
        """Say whose ``key`` it is, and that it may; None: none was sent. Raises as ``principal`` does."""
        if key is None:
            raise Unauthenticated(
                "KEY_MISSING", "this server wants an API key; send `authorization: Bearer <key>`"
            )
        principal = self._keys.authenticate(key)
        principal.require(scope)
        return principal
