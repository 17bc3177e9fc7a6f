"""How tenants stand: what each may do, and what the ledger has of it; for people who run the server."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from router.config import Config
from router.config.doors import ANY_TENANT, LedgerConfig
from router.ledger.base import Statement
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


async def _statements(config: LedgerConfig, day: date) -> Iterable[Statement]:
    ledger = ledger_of(config)
    # Looking must not make a file that a server would then find.
    if ledger is None or (config.path is not None and not config.path.exists()):
        return ()
    try:
        await ledger.open()
        return await ledger.statements(day)
    finally:
        await ledger.close()
