"""``upshift tenants``: limits and money, for people and for programs."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from router.ledger.base import Ceiling, Claim
from router.ledger.sqlite import SqliteLedger
from tests.router.cli.conftest import Run

CONFIG = """
version: 1
server: {listen: "127.0.0.1:0"}
ledger: {path: ledger.sqlite}
tenants:
  - {name: acme, limits: {requests_per_s: 2.5, tokens_per_minute: 60000}, budget: {usd_per_day: 10}}
  - {name: "*", budget: {usd_per_month: 1}}
tiers: [{name: edge, backend: echo}]
policies: [{name: default, ladder: [edge], objective: {rule: threshold}}]
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration, and a ledger in which two tenants spent something on one day."""
    path = tmp_path / "upshift.yaml"
    path.write_text(CONFIG)

    async def fill() -> None:
        ledger = SqliteLedger(tmp_path / "ledger.sqlite")
        await ledger.open()
        await ledger.begin("a", date(2026, 11, 26))
        await ledger.claim("a", [Claim("acme", 250_000, 900_000, Ceiling()), Claim("new", 5, 5, Ceiling())])
        await ledger.close()

    asyncio.run(fill())
    return path


def test_everybody_is_listed(upshift: Run, config: Path) -> None:
    """Those named, those that spent, and what holds for the others."""
    found = upshift("tenants", "list", "-c", str(config), "--day", "2026-11-26", "--json").json
    assert found["day"] == "2026-11-26"
    spent = {t["tenant"]: (t["spent_today_usd_micros"], t["held_today_usd_micros"]) for t in found["tenants"]}
    assert spent == {"acme": (250_000, 650_000), "new": (5, 0), "*": (0, 0)}
    assert [t["usd_micros_per_month"] for t in found["tenants"]] == [None, 1_000_000, 1_000_000]


def test_people_see_dollars(upshift: Run, config: Path) -> None:
    """In a table."""
    shown = upshift("tenants", "list", "-c", str(config), "--day", "2026-11-26").out
    assert [line.split() for line in shown.splitlines() if "acme" in line] == [
        ["acme", "2.5", "60,000", "0.2500", "0.6500", "10.0000", "0.2500", "-"]
    ]


def test_one_tenant_is_shown(upshift: Run, config: Path) -> None:
    """The month counts where the day has nothing."""
    words = ("tenants", "show", "acme", "-c", str(config), "--day", "2026-11-30")
    found = upshift(*words, "--json").json
    assert (found["spent_today_usd_micros"], found["spent_this_month_usd_micros"]) == (0, 250_000)
    shown = upshift(*words).out
    assert "no limit" in shown
    assert "requests_per_s                     2.5" in shown


def test_who_is_not_known_is_said(upshift: Run, config: Path) -> None:
    """A slip of the keyboard is no tenant without money."""
    ended = upshift("tenants", "show", "acmee", "-c", str(config))
    assert (ended.code, "'acmee'" in ended.err) == (2, True)
    assert upshift("tenants", "list", "-c", str(config), "--day", "today").code == 2


def test_looking_makes_no_ledger(upshift: Run, tmp_path: Path) -> None:
    """Where no server ran yet, nothing was spent."""
    (tmp_path / "upshift.yaml").write_text(CONFIG)
    ended = upshift("tenants", "show", "acme", "-c", str(tmp_path / "upshift.yaml"), "--json")
    assert ended.json["spent_today_usd_micros"] == 0
    assert not (tmp_path / "ledger.sqlite").exists()


def test_a_ledger_that_cannot_be_read_is_said(upshift: Run, tmp_path: Path) -> None:
    """Somebody else's file is left alone."""
    (tmp_path / "upshift.yaml").write_text(CONFIG)
    (tmp_path / "ledger.sqlite").write_text("no database" * 100)
    ended = upshift("tenants", "list", "-c", str(tmp_path / "upshift.yaml"), "--json")
    assert (ended.code, ended.json["error"]["reason"]) == (3, "LEDGER_UNAVAILABLE")


def test_a_file_of_another_program_is_a_fault_of_the_configuration(upshift: Run, tmp_path: Path) -> None:
    """The same file would stop a server from starting."""
    (tmp_path / "upshift.yaml").write_text(CONFIG)
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite")) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    for verb in (("tenants", "list", "-c"), ("serve",)):
        ended = upshift(*verb, str(tmp_path / "upshift.yaml"), "--json")
        assert (ended.code, ended.json["error"]["reason"]) == (2, "CONFIG_INVALID")


def test_help_teaches(upshift: Run) -> None:
    """Without a verb there are examples."""
    assert "upshift tenants list" in upshift("tenants").out


def silenced(config: Path) -> None:
    """As if nobody had heard of any book for an hour."""
    with closing(sqlite3.connect(config.with_name("ledger.sqlite"))) as connection:
        connection.execute("UPDATE books SET heard_s = heard_s - 3600")
        connection.commit()


def test_books_are_listed(upshift: Run, config: Path) -> None:
    """With what they hold, for people and for programs."""
    (book,) = upshift("tenants", "books", "-c", str(config), "--json").json["books"]
    assert (book["book"], book["spent_usd_micros"], book["held_usd_micros"]) == ("a", 250_005, 900_005)
    assert "0.6500" in upshift("tenants", "books", "-c", str(config)).out


def test_what_a_lost_process_holds_is_given_back(upshift: Run, config: Path) -> None:
    """What it spent stays spent, and releasing it twice changes nothing more."""
    silenced(config)
    assert "released 0.6500 $ of a" in upshift("tenants", "release", "a", "-c", str(config)).out
    found = upshift("tenants", "release", "a", "-c", str(config), "--json").json
    assert found["spent_usd_micros"] == found["held_usd_micros"] == 250_005


@pytest.mark.parametrize("book", ["a", "nobody"])
def test_what_may_be_alive_is_not_released(upshift: Run, config: Path, book: str) -> None:
    """A process that was just heard of spends what it holds."""
    result = upshift("tenants", "release", book, "-c", str(config))
    assert result.code == 2
    assert "15 minutes" in result.err
