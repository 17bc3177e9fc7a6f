"""How tenants stand: what each may do, and what the ledger has of it; for people who run the server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date

from router.config import Config
from router.config.doors import ANY_TENANT, LedgerConfig
from router.ledger.base import RELEASE_AFTER_S, Ledger, LedgerUnfit, OpenBook, Statement
from router.tenants.configured import ledger_of, quotas_of
from router.tenants.quota import Quota


@dataclass(frozen=True, slots=True)
class TenantReport:
    """One tenant's quota and money; ``*`` are those that nobody named, and have spent nothing this month."""

    tenant: str
    quota: Quota
    statement: Statement


async def report_tenants(config: Config, day: date) -> tuple[TenantReport, ...]:
    """Report on all tenants that are configured or have money in the month of ``day``, ``*`` last.

    Raises LedgerError.
    """
    quotas = quotas_of(config)
    statements = {statement.tenant: statement for statement in await _statements(config.ledger, day)}
    names = sorted(quotas.named.keys() | statements.keys())
    found = [(name, quotas.of(name)) for name in names]
    if quotas.others is not None:
        found.append((ANY_TENANT, quotas.others))
    return tuple(
        TenantReport(name, quota, statements.get(name, Statement(name, 0, 0, 0, 0))) for name, quota in found
    )


async def report_books(config: LedgerConfig) -> tuple[OpenBook, ...]:
    """Report on every book that has not ended, the longest silent one first. Raises LedgerError."""
    if config.path is not None and not config.path.exists():
        return ()
    async with _opened(config) as ledger:
        return await ledger.books()


async def release_book(config: LedgerConfig, book: str) -> OpenBook | None:
    """Give back what a process that is lost holds in ``book``; return what it held. Raises LedgerError.

    None: nothing was done, for it was heard of of late, or is not known.
    """
    async with _opened(config) as ledger:
        return await ledger.release(book, RELEASE_AFTER_S)


@asynccontextmanager
async def _opened(config: LedgerConfig) -> AsyncIterator[Ledger]:
    ledger = ledger_of(config)
    if ledger is None:
        raise LedgerUnfit("no ledger is configured; budgets of tenants need one")
    try:
        await ledger.open()
        yield ledger
    finally:
        await ledger.close()


async def _statements(config: LedgerConfig, day: date) -> Iterable[Statement]:
    # Looking must not make a file that a server would then find.
    if (config.path is None or not config.path.exists()) and config.url is None:
        return ()
    async with _opened(config) as ledger:
        return await ledger.statements(day)
