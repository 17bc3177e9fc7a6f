"""What a tenant without money is told: how it stands, and when it will have some again."""

from __future__ import annotations

from router.errors import BudgetExhausted
from router.ledger.account import Account
from router.ledger.calendar import seconds_to_next_day, seconds_to_next_month

_SETTLING_S = 1.0
"""Money that requests under way have reserved comes back when they end."""


def refusal(account: Account, least_usd_micros: int, now_s: float) -> BudgetExhausted:
    """The error for a request that needs at least ``least_usd_micros``."""
    ceiling = account.ceiling
    limits = [
        limit for limit in (ceiling.usd_micros_per_day, ceiling.usd_micros_per_month) if limit is not None
    ]
    if min(limits) < least_usd_micros:
        wait_s, said = None, "which its whole budget does not pay for"
    elif _is_spent(ceiling.usd_micros_per_month, account.spent_this_month, least_usd_micros):
        wait_s, said = seconds_to_next_month(now_s), "and this month's budget is spent"
    elif _is_spent(ceiling.usd_micros_per_day, account.spent_today, least_usd_micros):
        wait_s, said = seconds_to_next_day(now_s), "and today's budget is spent"
    else:
        wait_s, said = _SETTLING_S, "and what is left is reserved by requests under way"
    return BudgetExhausted(
        f"tenant {account.tenant[:64]!r} needs {least_usd_micros} millionths of a US dollar for this, {said}",
        retry_after_s=wait_s,
        metadata={
            "tenant": account.tenant[:64],
            "needed_usd_micros": str(least_usd_micros),
            "spent_today_usd_micros": str(account.spent_today),
            "spent_this_month_usd_micros": str(account.spent_this_month),
        },
    )


def _is_spent(limit: int | None, spent: int, least: int) -> bool:
    return limit is not None and limit - spent < least
