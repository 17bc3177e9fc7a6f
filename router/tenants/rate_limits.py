"""How much each tenant asks for: requests and tokens, each in a bucket of its own.

Decides when a tenant has to wait, and says how long. Counts for this process only; memory is bounded, so
that made-up names of tenants cannot fill it. Use from one thread.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from router.errors import RateLimited
from router.tenants.bucket import TokenBucket
from router.tenants.quota import Quota, Quotas

_MOST_TENANT_COUNT = 10_000
"""Tenants beside those named whose buckets are kept, some 3 MB; who has not asked for longest starts anew."""
_SECONDS_PER_MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class Buckets:
    """One tenant's; None: no limit."""

    requests: TokenBucket | None
    tokens: TokenBucket | None


_NO_LIMITS = Buckets(None, None)


class RateLimits:
    """Counts what tenants ask for against ``quotas``. ``clock`` gives seconds that do not jump."""

    def __init__(
        self, quotas: Quotas, clock: Callable[[], float], *, most_tenant_count: int = _MOST_TENANT_COUNT
    ) -> None:
        self._quotas = quotas
        self._clock = clock
        self._most_tenant_count = most_tenant_count
        self._named = {tenant: _filled(quota, clock()) for tenant, quota in quotas.named.items()}
        self._others: OrderedDict[str, Buckets] = OrderedDict()

    def under(self, quotas: Quotas) -> RateLimits:
        """Count against ``quotas`` from now on; who has the same limits as before goes on where it is."""
        limits = RateLimits(quotas, self._clock, most_tenant_count=self._most_tenant_count)
        for tenant, quota in quotas.named.items():
            before = self._quotas.named.get(tenant)
            if before is not None and before.rates == quota.rates:
                limits._named[tenant] = self._named[tenant]
        mine, others = self._quotas.others, quotas.others
        if mine is not None and others is not None and mine.rates == others.rates:
            limits._others = self._others
        return limits

    def take_request(self, tenant: str) -> Buckets:
        """Count a request. Raises RateLimited, and then it does not count."""
        buckets = self._of(tenant)
        now_s = self._clock()
        if buckets.requests is not None:
            if wait_s := buckets.requests.wait_s(1.0, now_s):
                raise _refusal(tenant, "requests_per_s", wait_s)
            buckets.requests.take(1.0, now_s)
        return buckets

    def take_tokens(self, tenant: str, buckets: Buckets, count: int) -> None:
        """Count the tokens expected of a request. Raises RateLimited, and then the request does not count."""
        now_s = self._clock()
        if buckets.tokens is None:
            return
        if wait_s := buckets.tokens.wait_s(count, now_s):
            if buckets.requests is not None:
                buckets.requests.take(-1.0, now_s)
            raise _refusal(tenant, "tokens_per_minute", wait_s)
        buckets.tokens.take(count, now_s)

    def settle_tokens(self, buckets: Buckets, expected: int, actual: int) -> None:
        """Put what a request took in place of what was expected of it."""
        if buckets.tokens is not None:
            buckets.tokens.take(actual - expected, self._clock())

    def _of(self, tenant: str) -> Buckets:
        found = self._named.get(tenant)
        return self._of_another(tenant) if found is None else found

    def _of_another(self, tenant: str) -> Buckets:
        if self._quotas.others is None:
            return _NO_LIMITS
        found = self._others.get(tenant)
        if found is None:
            found = self._others[tenant] = _filled(self._quotas.others, self._clock())
            if len(self._others) > self._most_tenant_count:
                self._others.popitem(last=False)
        else:
            self._others.move_to_end(tenant)
        return found


def _filled(quota: Quota, now_s: float) -> Buckets:
    rate, tokens = quota.requests_per_s, quota.tokens_per_minute
    return Buckets(
        requests=None if rate is None else TokenBucket(quota.burst or max(1.0, rate), rate, now_s),
        tokens=None if tokens is None else TokenBucket(tokens, tokens / _SECONDS_PER_MINUTE, now_s),
    )


def _refusal(tenant: str, limit: str, wait_s: float) -> RateLimited:
    return RateLimited(
        f"tenant {tenant[:64]!r} is at its limit of {limit}; this would fit in {wait_s:.3f} s",
        retry_after_s=wait_s,
        metadata={"tenant": tenant[:64], "limit": limit},
    )
