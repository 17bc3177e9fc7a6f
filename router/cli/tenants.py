"""``upshift tenants``: what tenants may ask for and spend, and what they have spent.

Reads the configuration and the ledger itself; no server need run. Rates are each server's own affair, so
only their limits are shown.
"""

from __future__ import annotations

from collections.abc import Coroutine
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from router.cli import parameters as given
from router.cli.failure import ExitCode, Fault

if TYPE_CHECKING:
    from router.ledger.base import OpenBook
    from router.tenants.report import TenantReport

T = TypeVar("T")

app = typer.Typer(
    help="Show what tenants may ask for and spend, what they have spent, and what servers hold of it.",
    epilog="""
**Examples**

`upshift tenants list` shows every tenant's limits and money, by the ledger of ./upshift.yaml.

`upshift tenants show acme --json | jq .spent_today_usd_micros` prints one figure.

`upshift tenants list --day 2026-10-31` looks back.

`upshift tenants books` shows what every server process holds; `upshift tenants release NAME` gives back what
one holds that is lost for good with its machine.

Days and months are UTC's. *Held* is what servers have claimed beyond what is spent: for requests under way,
and a little for the next ones, which comes back when it lies idle.
""",
    rich_markup_mode="markdown",
    invoke_without_command=True,
)

ConfigFile = Annotated[Path, typer.Option("--config", "-c", metavar="FILE", help="The configuration.")]
Day = Annotated[str | None, typer.Option(metavar="YYYY-MM-DD", help="The day meant; unset: today.")]
BookName = Annotated[str, typer.Argument(metavar="BOOK", help="The book's name.")]
TenantName = Annotated[str, typer.Argument(metavar="TENANT", help="The tenant's name.")]

_DEFAULT_CONFIG = Path("upshift.yaml")


@app.callback()
def tenants(context: typer.Context) -> None:
    """Show the help where no verb is given."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command("list")
def list_(config: ConfigFile = _DEFAULT_CONFIG, day: Day = None, json: given.Json = False) -> None:
    """List tenants: their limits, and what they spent and hold on a day and in its month."""
    meant, found = _reports(config, day)
    if json:
        from json import dumps

        print(dumps({"day": meant.isoformat(), "tenants": [_plain(report) for report in found]}))
        return
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from router.cli.screen import screen

    table = Table("tenant", box=SIMPLE_HEAD, pad_edge=False)
    for name in ("requests/s", "tokens/min", "$ today", "held", "of", "$ this month", "of "):
        table.add_column(name, justify="right")
    for report in found:
        table.add_row(*_row(report))
    screen().print(table)


@app.command()
def show(
    tenant: TenantName, config: ConfigFile = _DEFAULT_CONFIG, day: Day = None, json: given.Json = False
) -> None:
    """Show one tenant: its limits, and what it spent and holds on a day and in its month."""
    meant, found = _reports(config, day)
    report = next((report for report in found if report.tenant == tenant), None)
    if report is None:
        raise Fault(
            f"no tenant is called {tenant!r} in {config}, nor has one spent anything in that month",
            code=ExitCode.WRONG,
            reason="TENANT_UNKNOWN",
        )
    if json:
        from json import dumps

        print(dumps({"day": meant.isoformat(), **_plain(report)}))
        return
    for name, value in _plain(report).items():
        print(f"{name:<34} {'no limit' if value is None else value}")


@app.command()
def books(config: ConfigFile = _DEFAULT_CONFIG, json: given.Json = False) -> None:
    """List what server processes hold of tenants' money, the one that was silent for longest first."""
    from router.config import load
    from router.tenants.report import report_books

    found = _asked(report_books(load(config, allow_unset_env=True).ledger))
    if json:
        from json import dumps

        print(dumps({"books": [_plain_book(book) for book in found]}))
        return
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from router.cli.screen import screen

    table = Table("book", "day", box=SIMPLE_HEAD, pad_edge=False)
    for name in ("silent for", "$ spent", "held beyond"):
        table.add_column(name, justify="right")
    for book in found:
        spent, held = book.spent_usd_micros, book.held_usd_micros
        table.add_row(book.name, str(book.day), f"{book.silent_s:.0f} s", _usd(spent), _usd(held - spent))
    screen().print(table)


@app.command()
def release(book: BookName, config: ConfigFile = _DEFAULT_CONFIG, json: given.Json = False) -> None:
    """Give back what a server process holds that is lost for good; only once it was silent for 15 minutes.

    Processes of a machine that comes back settle by themselves what they left, which counts then.
    """
    from router.config import load
    from router.tenants.report import release_book

    found = _asked(release_book(load(config, allow_unset_env=True).ledger, book))
    if found is None:
        raise Fault(
            f"{book!r} is not released: no such book is open, or its process was heard of in the last 15 "
            "minutes; see upshift tenants books",
            code=ExitCode.WRONG,
            reason="BOOK_NOT_RELEASED",
        )
    if json:
        from json import dumps

        print(dumps(_plain_book(found)))
        return
    freed = found.held_usd_micros - found.spent_usd_micros
    print(f"released {_usd(freed)} $ of {found.name}; {_usd(found.spent_usd_micros)} $ stay spent")


def _reports(config: Path, day: str | None) -> tuple[date, tuple[TenantReport, ...]]:
    import time

    from router.config import load
    from router.ledger.calendar import day_of
    from router.tenants.report import report_tenants

    meant = day_of(time.time()) if day is None else _day(day)
    return meant, _asked(report_tenants(load(config, allow_unset_env=True), meant))


def _asked(answer: Coroutine[Any, Any, T]) -> T:
    """What the ledger answers. Raises Fault where it cannot be reached."""
    import asyncio

    from router.ledger.base import LedgerError, LedgerUnfit

    try:
        return asyncio.run(answer)
    except LedgerUnfit:
        raise
    except LedgerError as exc:
        raise Fault(str(exc), code=ExitCode.UNAVAILABLE, reason="LEDGER_UNAVAILABLE") from exc


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as exc:
        raise typer.BadParameter(f"{text!r} is no day; write 2026-11-27") from exc


def _plain(report: TenantReport) -> dict[str, object]:
    quota, statement = report.quota, report.statement
    return {
        "tenant": report.tenant,
        "requests_per_s": quota.requests_per_s,
        "burst": quota.burst,
        "tokens_per_minute": quota.tokens_per_minute,
        "usd_micros_per_day": quota.ceiling.usd_micros_per_day,
        "usd_micros_per_month": quota.ceiling.usd_micros_per_month,
        "spent_today_usd_micros": statement.spent_today_usd_micros,
        "held_today_usd_micros": statement.held_today_usd_micros,
        "spent_this_month_usd_micros": statement.spent_this_month_usd_micros,
        "held_this_month_usd_micros": statement.held_this_month_usd_micros,
    }


def _plain_book(book: OpenBook) -> dict[str, object]:
    return {
        "book": book.name,
        "day": book.day.isoformat(),
        "silent_s": book.silent_s,
        "spent_usd_micros": book.spent_usd_micros,
        "held_usd_micros": book.held_usd_micros,
    }


def _row(report: TenantReport) -> tuple[str, ...]:
    quota, statement = report.quota, report.statement
    return (
        report.tenant or "[dim](no name)[/]",
        _number(quota.requests_per_s),
        _number(quota.tokens_per_minute),
        _usd(statement.spent_today_usd_micros),
        _usd(statement.held_today_usd_micros),
        _usd(quota.ceiling.usd_micros_per_day),
        _usd(statement.spent_this_month_usd_micros),
        _usd(quota.ceiling.usd_micros_per_month),
    )


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:,.10g}"


def _usd(micros: int | None) -> str:
    return "-" if micros is None else f"{micros / 1e6:,.4f}"
