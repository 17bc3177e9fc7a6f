"""How a tier is protected from overload, and requests from its faults: the sections of ``resilience``."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator

from router.config.section import Seconds, Section

Wait = Annotated[float, Field(ge=0.0, le=3600.0, allow_inf_nan=False)]


def _at_least(value: float, name: str, info: ValidationInfo) -> float:
    """Return ``value`` where it is no less than the earlier field called ``name``."""
    least = info.data.get(name, value)
    if value < least:
        raise ValueError(f"must be at least {name}, {least:g}, not {value:g}")
    return value


class RetriesConfig(Section):
    """When a call that failed is made again to the same tier.

    Only what may pass by itself, never once text went out to the client, and always within the request's one
    deadline and budget, of which an attempt and time are kept back for the next tier.
    """

    max_count: int = Field(default=1, ge=0, le=10)
    """Further calls in a row, for one request."""
    base_wait_s: Wait = 0.1
    """Most seconds to wait before the first further call, doubled for each one after; the wait is a random
    part of that."""
    max_wait_s: Wait = Field(default=2.0, validate_default=True)
    """Most seconds of such a wait."""
    max_retry_after_s: Wait = 10.0
    """Longest wait that the tier may ask for (`Retry-After`) and get; beyond it the next tier is asked."""
    ratio: float = Field(default=0.2, ge=0.0, le=1.0, allow_inf_nan=False)
    """Further calls, over all requests, for each call that was answered: N requests are never more than
    N * (1 + ratio) + burst calls."""
    burst: int = Field(default=10, ge=1, le=10_000)
    """Further calls in a row after a quiet time."""

    @field_validator("max_wait_s")
    @classmethod
    def _check_most(cls, most_s: float, info: ValidationInfo) -> float:
        return _at_least(most_s, "base_wait_s", info)


class BreakerConfig(Section):
    """When a tier is left alone because it fails, and how it comes back."""

    enabled: bool = True
    """Whether it ever is."""
    failure_share: float = Field(default=0.5, gt=0.0, le=1.0, allow_inf_nan=False)
    """Share of the latest calls (50 at most) that must have failed."""
    min_call_count: int = Field(default=5, ge=1, le=50)
    """Calls without which their share says nothing."""
    window_s: Seconds = 30.0
    """Age in seconds beyond which a call says nothing."""
    open_s: Seconds = 5.0
    """Seconds that it is left alone; twice as long each time that it fails again at once."""
    max_open_s: Seconds = Field(default=60.0, validate_default=True)
    """Most seconds that it is left alone, also where it asks for more itself."""
    probe_count: int = Field(default=1, ge=1, le=50)
    """Requests, one after the other, that it must then answer before all are let in."""

    @field_validator("max_open_s")
    @classmethod
    def _check_most(cls, most_s: float, info: ValidationInfo) -> float:
        return _at_least(most_s, "open_s", info)


class AdaptiveConfig(Section):
    """How the number of attempts that run at once follows what the tier stands."""

    enabled: bool | None = None
    """Whether it does, between `min_concurrency` and `limits.concurrency`. Unset: for tiers beyond this
    machine, where nobody says how much they stand."""
    min_concurrency: int = Field(default=1, ge=1, le=10_000)
    """Fewest attempts that run at once."""
    tolerance: float = Field(default=2.0, ge=1.0, le=100.0, allow_inf_nan=False)
    """How many times later than in the long run the first token may come before fewer run at once."""


class HedgeConfig(Section):
    """When a slow call gets another one beside it, for policies with `hedge: true`."""

    quantile: float = Field(default=0.95, ge=0.5, lt=1.0, allow_inf_nan=False)
    """Share of the latest calls that had their first token by then."""
    min_call_count: int = Field(default=20, ge=1, le=128)
    """Calls that must have been measured before."""


class ResilienceConfig(Section):
    """How the tier is protected from overload, and requests from its faults."""

    retries: RetriesConfig = RetriesConfig()
    """When a call that failed is made again."""
    breaker: BreakerConfig = BreakerConfig()
    """When the tier is left alone."""
    adaptive: AdaptiveConfig = AdaptiveConfig()
    """How many attempts run at once."""
    hedge: HedgeConfig = HedgeConfig()
    """When a slow call gets another one beside it."""
