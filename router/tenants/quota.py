"""What each tenant may ask for and spend, looked up by its name.

Refuses to count anything: ``rate_limits`` and :mod:`router.ledger` do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from router.ledger.base import Ceiling


@dataclass(frozen=True, slots=True)
class Quota:
    """Limits of one tenant; None: there is none.

    ``burst`` is the most requests at once after a pause, None: those of one second.
    """

    requests_per_s: float | None = None
    burst: int | None = None
    tokens_per_minute: int | None = None
    ceiling: Ceiling = field(default_factory=Ceiling)

    @property
    def rates(self) -> tuple[float | None, int | None, int | None]:
        """All of it but the money."""
        return self.requests_per_s, self.burst, self.tokens_per_minute


_UNLIMITED = Quota()


@dataclass(frozen=True, slots=True)
class Quotas:
    """Quotas by tenant; ``others`` holds for each tenant that is not ``named``, None: no limit."""

    named: Mapping[str, Quota] = field(default_factory=dict)
    others: Quota | None = None

    @property
    def has_budgets(self) -> bool:
        """Whether any tenant's money is limited."""
        all_quotas = [*self.named.values(), *([] if self.others is None else [self.others])]
        return any(quota.ceiling.is_limited for quota in all_quotas)

    def of(self, tenant: str) -> Quota:
        """The quota of ``tenant``; "" is a tenant as well, that of requests which name none."""
        return self.named.get(tenant) or self.others or _UNLIMITED
