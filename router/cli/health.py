"""``upshift health``: whether a server wants requests, for scripts and for what keeps containers alive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from router.cli import parameters as given
from router.cli.access import Access, TlsCa, TlsCertificate, TlsKey
from router.cli.failure import ExitCode

if TYPE_CHECKING:
    from router.rpc.client import Client

EPILOG = """
A server serves while any of its tiers is ready, and no more once it drains. Asking needs no key.

**Examples**

`upshift health && upshift ask "hello"` asks only a server that serves.

`upshift serve & upshift health --wait 120` waits until models are loaded.

**Exit codes**: 0 it serves · 3 it does not, or nobody answers
"""

_POLL_INTERVAL_S = 0.2

Wait = Annotated[
    float,
    typer.Option(metavar="SECONDS", min=0.0, help="Ask until it serves, for so long; 0 asks once."),
]


def health(
    server: given.Server = given.DEFAULT_SERVER,
    wait: Wait = 0.0,
    tls_ca: TlsCa = None,
    tls_certificate: TlsCertificate = None,
    tls_key: TlsKey = None,
    json: given.Json = False,
) -> None:
    """Say whether a server wants requests now; exit code 3 where it does not."""
    from router.rpc.client import Client

    credentials = Access(None, tls_ca, tls_certificate, tls_key).client_arguments()["credentials"]
    with Client(server, credentials=credentials) as client:
        serving = _serves(client, wait)
    if json:
        from json import dumps

        print(dumps({"server": server, "serving": serving}))
    else:
        print("serving" if serving else "not serving")
    if not serving:
        raise typer.Exit(ExitCode.UNAVAILABLE)


def _serves(client: Client, wait_s: float) -> bool:
    """Ask until it serves; once more when the time is over, so that what is wrong then is told."""
    import time

    from router.rpc.client import UpshiftError

    ends_at = time.monotonic() + wait_s
    while time.monotonic() < ends_at:
        try:
            if client.health():
                return True
        except UpshiftError as error:
            if error.code.name != "UNAVAILABLE":
                raise
        time.sleep(_POLL_INTERVAL_S)
    return client.health()
