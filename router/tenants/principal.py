"""Who calls, once that is known, and what that lets them do.

Refuses to know how they were recognised.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from router.errors import PermissionDenied

ANY = "*"
"""Among a key's tenants: it may name any tenant."""


class Scope(StrEnum):
    """What a key may be used for."""

    GENERATE = "generate"
    DECIDE = "decide"
    FEEDBACK = "feedback"
    LIST = "list"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller that showed a valid key.

    ``tenants`` is not empty; the first one is meant where a request names none.
    """

    key_id: str
    tenants: tuple[str, ...]
    scopes: frozenset[Scope]

    def require(self, scope: Scope) -> None:
        """Raise PermissionDenied unless the key has ``scope``."""
        if scope not in self.scopes:
            raise PermissionDenied(
                "SCOPE_MISSING",
                f"key {self.key_id} may not be used for {scope.value!r}; have one made with that scope",
                metadata={"key_id": self.key_id, "scope": scope.value},
            )

    def tenant(self, named: str) -> str:
        """The tenant that a request is for, ``named`` by it or not (""). Raises PermissionDenied."""
        if named in self.tenants or (named and ANY in self.tenants):
            return named
        if not named and self.tenants[0] != ANY:
            return self.tenants[0]
        said = (
            f"is not for tenant {named[:64]!r}"
            if named
            else "is for any tenant, so requests must name theirs"
        )
        raise PermissionDenied(
            "TENANT_NOT_ALLOWED", f"key {self.key_id} {said}", metadata={"key_id": self.key_id}
        )
