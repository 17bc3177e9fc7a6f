"""``upshift tiers``: the tiers of a running server and how they do, and the certificates it serves by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.cli import parameters as given
from router.cli.access import Access, Key, TlsCa, TlsCertificate, TlsKey

if TYPE_CHECKING:
    from rich.table import Table

    from router.certificates.warrant import CertificateStatus
    from router.tiers import TierStatus

EPILOG = """
**Examples**

`upshift tiers` asks the server on this machine.

`upshift tiers --json | jq '.tiers[] | select(.ready | not) | .name'` names those that are down.
"""

# A prompt by which tiers can be compared: a paragraph.
_SHORT_TOKEN_COUNT = 100
_NUMBERS = ("$/M in", "$/M out", "busy", "waiting", "slots free", "first token", "tokens/s")


def tiers(
    server: given.Server = given.DEFAULT_SERVER,
    key: Key = None,
    tls_ca: TlsCa = None,
    tls_certificate: TlsCertificate = None,
    tls_key: TlsKey = None,
    json: given.Json = False,
) -> None:
    """Show every tier: what runs it, whether it is ready, what it costs, and how busy it is.

    A tier that fails is `left alone` for some time, then `on trial` with one request at a time. How many it
    runs at once follows its latency. Models on the server's machine say what a prompt of 100 tokens may
    expect of them now.

    Below them the certificates, where policies serve by any: what each promises, and whether it holds.
    """
    from router.rpc.client import Client

    access = Access(key, tls_ca, tls_certificate, tls_key)
    with Client(server, **access.client_arguments()) as client:
        found, certificates = client.list_tiers(), client.list_certificates()
    if json:
        _print_json(found, certificates)
    else:
        from router.cli.screen import screen

        screen().print(_table(found))
        if certificates:
            screen().print(_certificate_table(certificates))


def _print_json(found: tuple[TierStatus, ...], certificates: tuple[CertificateStatus, ...]) -> None:
    from dataclasses import asdict
    from json import dumps

    document = {
        "tiers": [asdict(tier) for tier in found],
        "certificates": [asdict(certificate) for certificate in certificates],
    }
    print(dumps(document, ensure_ascii=False))


def _table(found: tuple[TierStatus, ...]) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table("tier", "state", "model", "runs", box=SIMPLE_HEAD, pad_edge=False)
    for name in _NUMBERS:
        table.add_column(name, justify="right")
    for tier in found:
        table.add_row(
            tier.name,
            _tier_state(tier),
            f"{tier.model} [dim]{tier.backend}[/]",
            "elsewhere" if tier.external else "here",
            f"{tier.input_price_usd_micros_per_million / 1e6:g}",
            f"{tier.output_price_usd_micros_per_million / 1e6:g}",
            f"{tier.in_flight_count} of {tier.health.concurrency_limit}",
            str(tier.queued_count),
            *_load(tier),
        )
    return table


def _tier_state(tier: TierStatus) -> str:
    from router.resilience.breaker import Circuit

    if tier.health.circuit is Circuit.OPEN:
        return f"[red]left alone for {tier.health.reopens_in_s:.0f} s[/]"
    if not tier.ready:
        return "[red]unavailable[/]"
    return "[green]ready[/]" if tier.health.circuit is Circuit.CLOSED else "[yellow]on trial[/]"


def _load(tier: TierStatus) -> tuple[str, str, str]:
    """Free slots, and what a short prompt may expect; empty where the backend cannot say."""
    if tier.load is None:
        return "", "", ""
    free = f"{tier.load.free_slot_count} of {tier.load.slot_count}"
    expected = tier.load.expect(_SHORT_TOKEN_COUNT, tier.queued_count)
    if expected is None:
        return free, "", ""
    return free, f"{expected.first_token_s:.2g} s", f"{1 / expected.token_s:.3g}" if expected.token_s else ""


def _certificate_table(certificates: tuple[CertificateStatus, ...]) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table("certificate", "policy", "for", "state", "promise", box=SIMPLE_HEAD, pad_edge=False)
    for name in ("audits", "audited", "to alarm"):
        table.add_column(name, justify="right")
    for status in certificates:
        table.add_row(
            status.id,
            status.policy,
            status.stratum or "all requests",
            _state(status),
            f"loses at most {100 * status.max_loss:g} %, {100 * status.confidence:g} % sure",
            f"{status.audit_count:,}",
            f"{100 * status.audit_rate:g} %",
            f"{100 * status.alarm_progress:.0f} %",
        )
    return table


def _state(status: CertificateStatus) -> str:
    from policies.guarantee.monitor import Standing

    if status.withdrawn is not None:
        return f"[red]withdrawn: {status.withdrawn}[/]"
    style = {Standing.CERTIFIED: "green", Standing.SUSPECT: "yellow", Standing.FALLBACK: "red"}
    return f"[{style[status.standing]}]{status.standing.value}[/]"
