"""One client for one server: its address, its credentials, and what it may do.

Decides that credentials go into each request and nowhere else, that no redirect is followed (it could
lead the key to another host), and that no proxy of the environment is used unless asked for.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass

import httpx

from backends.errors import Unavailable
from backends.http_options import HttpOptions
from backends.http_post import ClientTransport, Post
from backends.http_transport import fastest_transport


class HeaderAuth(httpx.Auth):
    """Puts the headers that ``headers`` returns into every request; a client holds none of them."""

    def __init__(self, headers: Callable[[], Mapping[str, str]]) -> None:
        self._headers = headers

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response]:
        """Add them."""
        request.headers.update(self._headers())
        yield request


@dataclass(frozen=True, slots=True)
class HttpClient:
    """A client, and what posts prompts over the same connections; closing the client closes both."""

    client: httpx.AsyncClient
    post: Post


def open_client(
    options: HttpOptions,
    path: str,
    credentials: Callable[[], Mapping[str, str]],
    transport: httpx.AsyncBaseTransport | None,
) -> HttpClient:
    """Make the client; it connects when it is first used. ``path`` is where prompts go, below the base URL.

    ``credentials`` returns headers that go into each request; ``transport`` None: the fastest there is.
    """
    limits = httpx.Limits(max_connections=options.connection_count)
    trust = _trust(options)
    if transport is None and not options.environment_proxy:
        transport = fastest_transport(trust, limits)
    client = httpx.AsyncClient(
        base_url=str(options.base_url),
        # Compressed answers cannot be bounded by what comes over the wire.
        headers={"accept-encoding": "identity"},
        auth=HeaderAuth(credentials),
        timeout=httpx.Timeout(options.read_timeout_s, connect=options.connect_timeout_s),
        limits=limits,
        transport=transport,
        verify=trust,
        follow_redirects=False,
        trust_env=options.environment_proxy,
    )
    carrier = ClientTransport(client) if transport is None else transport
    address = client.base_url.join(path)
    return HttpClient(client, Post(carrier, address, client.headers, credentials, client.timeout))


def _trust(options: HttpOptions) -> ssl.SSLContext:
    try:
        if options.ca_file is not None:
            return ssl.create_default_context(cafile=options.ca_file)
    except (OSError, ssl.SSLError) as exc:
        raise Unavailable(f"ca_file {options.ca_file} holds no certificates that can be read") from exc
    return httpx.create_ssl_context(trust_env=False)
