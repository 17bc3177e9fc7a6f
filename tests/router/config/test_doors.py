"""The sections of the doors: paths, secrets, and what must hold between them."""

from __future__ import annotations

from pathlib import Path

import pytest

from router.config import Config, ConfigError, parse

BASE = """
version: 1
tiers: [{name: edge, backend: echo}]
policies: [{name: default, ladder: [edge], objective: {rule: threshold}}]
"""
BUDGET = "tenants: [{name: acme, budget: {usd_per_day: 1.5}}]\n"


def config(text: str) -> Config:
    return parse(BASE + text, directory=Path("/srv"), environment={"SECRET": "hunter2"})


def test_files_lie_beside_the_configuration() -> None:
    """Every path is relative to it."""
    found = config(
        "auth: {keys: k.json}\nadmin: {listen: '127.0.0.1:1', audit: a.jsonl}\nledger: {path: l.sqlite}\n"
        "server: {tls: {certificate: c.pem, private_key: p.pem, client_ca: ca.pem}}\n"
    )
    assert found.server.tls is not None
    paths = (found.auth.keys, found.admin.audit, found.ledger.path, *vars(found.server.tls).values())
    names = ("k.json", "a.jsonl", "l.sqlite", "c.pem", "p.pem", "ca.pem")
    assert paths == tuple(Path("/srv") / name for name in names)


def test_a_databases_password_is_not_shown() -> None:
    """Neither where the configuration is printed nor in an error."""
    found = config("ledger: {url: 'postgresql://me:${SECRET}@db/upshift'}\n")
    assert "hunter2" not in repr(found)
    with pytest.raises(ConfigError) as caught:
        config("ledger: {url: 'mysql://me:${SECRET}@db/upshift'}\n")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (BUDGET, "tenants.0.budget: needs ledger.path or ledger.url"),
        ("ledger: {path: a, url: 'postgresql://db'}\n", "has both a path and a url"),
        ("ledger: {url: 'sqlite:a'}\n", "must start with postgresql://"),
        ("tenants: [{name: a}, {name: a}]\n", "'a' is in the list twice"),
        ("admin: {listen: '127.0.0.1:0'}\n", "needs auth.keys"),
        ("tenants: [{name: a, limits: {requests_per_s: 0}}]\n", "must be greater than 0"),
        ("privacy: {detect: [emial]}\n", "did you mean 'email'?"),
        ("privacy: {redact: [email, email]}\n", "'email' is there twice"),
    ],
)
def test_what_does_not_fit_together_is_said(text: str, said: str) -> None:
    """With the key at which to mend it."""
    with pytest.raises(ConfigError) as caught:
        config(text)
    assert said.partition(": ")[2] in str(caught.value)


def test_money_is_held_in_whole_millionths() -> None:
    """Dollars are for people."""
    (tenant,) = config(BUDGET + "ledger: {path: l}\n").tenants
    assert (tenant.budget.usd_micros_per_day, tenant.budget.usd_micros_per_month) == (1_500_000, None)
    assert tenant.budget.is_limited
