"""From the configuration to what counts tenants' requests, tokens and money."""

from __future__ import annotations

import time
from importlib.util import find_spec
from pathlib import Path

from router.config import Config
from router.config.doors import ANY_TENANT, LedgerConfig, TenantConfig
from router.ledger.base import Ceiling, Ledger, LedgerUnfit
from router.ledger.treasury import Treasury
from router.tenants.quota import Quota, Quotas
from router.tenants.rate_limits import RateLimits
from router.tenants.turnstile import Turnstile


def turnstile_of(config: Config) -> Turnstile:
    """What lets requests in as ``config`` says; it has to be started."""
    quotas = quotas_of(config)
    return Turnstile(
        quotas,
        RateLimits(quotas, time.monotonic),
        _treasury(config),
        allows_uncounted=config.ledger.allow_uncounted,
    )


def quotas_of(config: Config) -> Quotas:
    """What each tenant may ask for and spend."""
    quotas = {tenant.name: _quota(tenant) for tenant in config.tenants}
    return Quotas(quotas, quotas.pop(ANY_TENANT, None))


def ledger_of(config: LedgerConfig) -> Ledger | None:
    """The ledger that all processes share; None: none is configured. Raises LedgerUnfit."""
    if config.url is not None:
        if find_spec("asyncpg") is None:
            raise LedgerUnfit("ledger.url needs a package that is missing: pip install 'upshift[postgresql]'")
        from router.ledger.postgresql import PostgresqlLedger

        return PostgresqlLedger(config.url.get_secret_value())
    if config.path is not None:
        from router.ledger.sqlite import SqliteLedger

        return SqliteLedger(config.path)
    return None


def _treasury(config: Config) -> Treasury | None:
    ledger = ledger_of(config.ledger)
    if ledger is None:
        return None
    return Treasury(ledger, _books(config.ledger), time.time, time.monotonic)


def _books(config: LedgerConfig) -> Path:
    if config.books is not None:
        return config.books
    assert config.path is not None, "loading the configuration gives books to a ledger with a url"
    return config.path.with_name(f"{config.path.name}-books")


def _quota(tenant: TenantConfig) -> Quota:
    limits, budget = tenant.limits, tenant.budget
    return Quota(
        requests_per_s=limits.requests_per_s,
        burst=limits.burst,
        tokens_per_minute=limits.tokens_per_minute,
        ceiling=Ceiling(budget.usd_micros_per_day, budget.usd_micros_per_month),
    )
