"""What carries httpx's requests."""

from __future__ import annotations

import ssl

import httpx


def fastest_transport(trust: ssl.SSLContext, limits: httpx.Limits) -> httpx.AsyncBaseTransport:
    """Make the transport that costs the least."""
    return httpx.AsyncHTTPTransport(verify=trust, limits=limits, trust_env=False)
