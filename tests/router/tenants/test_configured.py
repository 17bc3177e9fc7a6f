"""From the configuration to quotas and ledgers."""

from __future__ import annotations

from pathlib import Path

import pytest

from router.build import build
from router.config import Config, parse
from router.ledger.base import Ceiling, LedgerUnfit
from router.ledger.postgresql import PostgresqlLedger
from router.ledger.sqlite import SqliteLedger
from router.tenants.configured import ledger_of, quotas_of
from router.tenants.quota import Quota

BASE = """
version: 1
tiers: [{name: edge, backend: echo, price: {output_usd_per_million_tokens: 1}}]
policies: [{name: default, ladder: [edge], objective: {rule: threshold}}]
"""
TENANTS = """
tenants:
  - name: acme
    limits: {requests_per_s: 2.5, burst: 7, tokens_per_minute: 100}
    budget: {usd_per_day: 0.5, usd_per_month: 3}
  - {name: "*", budget: {usd_per_month: 1}}
"""


def config(text: str, folder: Path = Path("/srv")) -> Config:
    return parse(BASE + text, directory=folder)


def test_each_tenant_has_its_quota() -> None:
    """By its name, and the others by the star."""
    quotas = quotas_of(config(TENANTS + "ledger: {path: l}\n"))
    assert quotas.of("acme") == Quota(2.5, 7, 100, Ceiling(500_000, 3_000_000))
    assert quotas.of("new") == quotas.of("") == Quota(ceiling=Ceiling(usd_micros_per_month=1_000_000))


def test_without_a_star_others_are_not_limited() -> None:
    """The list is all that is asked for."""
    quotas = quotas_of(config("tenants: [{name: acme, limits: {requests_per_s: 1}}]\n"))
    assert quotas.of("new") == Quota()
    assert not quotas.has_budgets


def test_the_ledger_is_where_it_is_said_to_be() -> None:
    """In a file, in a database, or nowhere."""
    assert isinstance(ledger_of(config("ledger: {path: l}\n").ledger), SqliteLedger)
    assert isinstance(ledger_of(config("ledger: {url: 'postgresql://db/x'}\n").ledger), PostgresqlLedger)
    assert ledger_of(config("").ledger) is None


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """With what installs it."""
    monkeypatch.setattr("router.tenants.configured.find_spec", lambda _: None)
    with pytest.raises(LedgerUnfit, match=r"upshift\[postgresql\]"):
        ledger_of(config("ledger: {url: 'postgresql://db/x'}\n").ledger)


@pytest.mark.parametrize(
    ("text", "folder"), [("{path: l.sqlite}", "l.sqlite-books"), ("{path: l.sqlite, books: b}", "b")]
)
async def test_books_lie_beside_the_ledger_or_where_they_are_put(
    tmp_path: Path, text: str, folder: str
) -> None:
    """Made with the first request that costs something."""
    from tests.router.conftest import ask
    from tests.router.tenants.test_turnstile import answer

    router = build(config(f"{TENANTS}ledger: {text}\n", tmp_path))
    await router.start()
    await answer(router, ask(tenant="acme"))
    assert len(list(_books(tmp_path / folder))) == 1
    await router.close()
    assert list(_books(tmp_path / folder)) == []


def _books(folder: Path) -> list[Path]:
    return list(folder.glob("*.book"))
