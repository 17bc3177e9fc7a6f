"""What tells the APIs of the gateway apart: how an error is told, and which headers name a request."""

from __future__ import annotations

from typing import Any, Protocol

from router.gateway.problem import Problem


class Dialect(Protocol):
    """The manners of one API."""

    @property
    def request_id_header(self) -> str:
        """The header by which its clients learn what their request was called."""
        ...

    def key(self, headers: dict[str, str]) -> str | None:
        """The API key that was sent; None: none was."""
        ...

    def status(self, problem: Problem) -> int:
        """The HTTP status that its clients expect."""
        ...

    def error(self, problem: Problem) -> dict[str, Any]:
        """The body that tells of ``problem``."""
        ...

    def error_event(self, problem: Problem) -> bytes:
        """The event that ends a stream in which something went wrong."""
        ...


def bearer(headers: dict[str, str]) -> str | None:
    """The token of ``authorization: Bearer …``, RFC 6750; None: there is none."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None
