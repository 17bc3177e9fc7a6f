"""Lets a request in, by what its tenant may ask for and spend; whoever serves requests asks here first.

Decides the order: a request is counted before anything is worked out for it, so that a flood is cheap to
refuse; its tokens once they can be estimated; its money last. Refuses to know keys, and how requests come.
"""

from __future__ import annotations

from collections.abc import Callable

from router.errors import LedgerUnavailable
from router.ledger.base import LedgerUnfit
from router.ledger.treasury import Treasury
from router.plan import Plan
from router.request import Request
from router.tenants.admission import Admission, Settle, within
from router.tenants.price_range import expected_token_count, price_range
from router.tenants.quota import Quotas
from router.tenants.rate_limits import Buckets, RateLimits


class Turnstile:
    """Counts against ``quotas``. ``treasury`` None: no tenant may have a budget.

    ``allows_uncounted``: requests are served, too, while their money cannot be counted.
    """

    def __init__(
        self,
        quotas: Quotas,
        limits: RateLimits,
        treasury: Treasury | None = None,
        *,
        allows_uncounted: bool = False,
    ) -> None:
        self._quotas = quotas
        self._limits = limits
        self._treasury = treasury
        self._allows_uncounted = allows_uncounted

    def under(self, quotas: Quotas, *, allows_uncounted: bool | None = None) -> Turnstile:
        """Make one that lets in by these and goes on with what this one has counted; it runs already.

        ``allows_uncounted`` None: as this one does.

        Raises LedgerUnfit where there are budgets now, and no ledger. Only one of the two is to be closed.
        """
        if self._treasury is None and quotas.has_budgets:
            raise LedgerUnfit("budgets of tenants need a ledger, and the server was started without one")
        limits = self._limits.under(quotas)
        uncounted = self._allows_uncounted if allows_uncounted is None else allows_uncounted
        return Turnstile(quotas, limits, self._treasury, allows_uncounted=uncounted)

    async def start(self) -> None:
        """Open the ledger; requests are refused until it answers, where they cost anything."""
        if self._treasury is not None:
            await self._treasury.start()

    async def close(self) -> None:
        """Settle everything with the ledger."""
        if self._treasury is not None:
            await self._treasury.close()

    def count(self, tenant: str) -> None:
        """Count a request that costs nothing. Raises RateLimited."""
        self._limits.take_request(tenant)

    async def admit(self, request: Request, plan: Callable[[Request], Plan]) -> Admission:
        """Let a request in, to be run by the plan that comes back.

        Raises RateLimited, BudgetExhausted or LedgerUnavailable, and what ``plan`` raises.
        """
        buckets = self._limits.take_request(request.tenant)
        planned = plan(request)
        expected = expected_token_count(planned)
        self._limits.take_tokens(request.tenant, buckets, expected)
        try:
            planned, settlements = await self._with_money(planned)
        except BaseException:
            self._limits.settle_tokens(buckets, expected, 0)
            raise
        return Admission(planned, (*self._tokens(buckets, expected), *settlements))

    def _tokens(self, buckets: Buckets, expected: int) -> tuple[Settle, ...]:
        if buckets.tokens is None:
            return ()
        return (lambda _, token_count: self._limits.settle_tokens(buckets, expected, token_count),)

    async def _with_money(self, plan: Plan) -> tuple[Plan, tuple[Settle, ...]]:
        quota = self._quotas.of(plan.request.tenant)
        if self._treasury is None or not quota.ceiling.is_limited:
            return plan, ()
        prices = price_range(plan)
        if prices is None:
            return within(plan, 0), ()
        treasury = self._treasury
        try:
            reserved = await treasury.reserve(
                plan.request.tenant,
                quota.ceiling,
                prices.least_usd_micros,
                prices.most_usd_micros,
                timeout_s=plan.request.timeout_s,
            )
        except LedgerUnavailable:
            if prices.least_usd_micros > 0 and not self._allows_uncounted:
                raise
            return self._uncounted(plan), ()
        return within(plan, reserved.amount_usd_micros), (lambda cost, _: treasury.settle(reserved, cost),)

    def _uncounted(self, plan: Plan) -> Plan:
        """The plan while money cannot be counted: tiers that are free, or all where that was asked for."""
        return plan if self._allows_uncounted else within(plan, 0)


def open_to_all() -> Turnstile:
    """A turnstile without limits."""
    return Turnstile(Quotas(), RateLimits(Quotas(), lambda: 0.0))
