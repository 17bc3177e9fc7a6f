"""Where a request comes from, for the audit log."""

from __future__ import annotations

from starlette.requests import Request


def peer_of(request: Request) -> str:
    """Its address as gRPC writes them, such as ``ipv4:127.0.0.1:5000``; "" where it is not known."""
    client = request.client
    if client is None:
        return ""
    return (
        f"ipv6:[{client.host}]:{client.port}" if ":" in client.host else f"ipv4:{client.host}:{client.port}"
    )
