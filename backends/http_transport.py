"""Which library carries httpx's requests: the fastest that is installed."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from importlib.util import find_spec

import httpx

Make = Callable[[ssl.SSLContext, httpx.Limits], httpx.AsyncBaseTransport]


def httpx_transport(trust: ssl.SSLContext, limits: httpx.Limits) -> httpx.AsyncBaseTransport:
    """Make httpx's own."""
    return httpx.AsyncHTTPTransport(verify=trust, limits=limits, trust_env=False)


def aiohttp_transport(trust: ssl.SSLContext, limits: httpx.Limits) -> httpx.AsyncBaseTransport:
    """Make ours over aiohttp, which must be installed."""
    from backends.aiohttp_transport import AiohttpTransport

    return AiohttpTransport(trust, limits)


TRANSPORTS: Mapping[str, Make] = {"httpx": httpx_transport, "aiohttp": aiohttp_transport}


def fastest_transport(trust: ssl.SSLContext, limits: httpx.Limits) -> httpx.AsyncBaseTransport:
    """Make aiohttp's where it is installed, else httpx's; what they carry is the same."""
    make = httpx_transport if find_spec("aiohttp") is None else aiohttp_transport
    return make(trust, limits)
