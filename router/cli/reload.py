"""``upshift reload``: a running server reads its configuration again."""

from __future__ import annotations

from router.cli import parameters as given
from router.cli.access import Access, Key, TlsCa, TlsCertificate, TlsKey
from router.cli.administer import (
    DEFAULT_ADMIN_PORT,
    AdminPort,
    AllowUnready,
    IfMatch,
    administering,
    tell_change,
)

EPILOG = """
**Examples**

`upshift reload` lets the server on this machine serve what its configuration says now.

`upshift reload --json | jq .started_tiers` names the tiers that had to be started for it.

A configuration that is wrong, that needs a restart, or of which a tier does not start changes nothing.
Without an admin port `kill -HUP` does the same, and the server's log says what came of it.
"""


def reload(
    server: AdminPort = DEFAULT_ADMIN_PORT,
    if_match: IfMatch = None,
    allow_unready: AllowUnready = False,
    key: Key = None,
    tls_ca: TlsCa = None,
    tls_certificate: TlsCertificate = None,
    tls_key: TlsKey = None,
    json: given.Json = False,
) -> None:
    """Let a running server serve what its configuration says now; requests in flight are not disturbed."""
    access = Access(key, tls_ca, tls_certificate, tls_key)
    with administering(server, access, as_json=json) as client:
        change = client.reload(if_match=if_match, allow_unready=allow_unready)
    tell_change(change, as_json=json)
