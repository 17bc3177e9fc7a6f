"""Limits of tenants: who has to wait, and for how long."""

from __future__ import annotations

import pytest

from router.errors import RateLimited
from router.tenants.quota import Quota, Quotas
from router.tenants.rate_limits import RateLimits
from tests.router.ledger.clock import Clock

QUOTAS = Quotas(
    {
        "acme": Quota(requests_per_s=2.0, burst=3),
        "slow": Quota(requests_per_s=0.5),
        "wordy": Quota(requests_per_s=1.0, burst=5, tokens_per_minute=600),
    },
    others=Quota(requests_per_s=1.0),
)


@pytest.fixture
def clock() -> Clock:
    return Clock(100.0)


@pytest.fixture
def limits(clock: Clock) -> RateLimits:
    return RateLimits(QUOTAS, clock)


def refusal(limits: RateLimits, tenant: str) -> RateLimited:
    with pytest.raises(RateLimited) as caught:
        limits.take_request(tenant)
    return caught.value


def test_a_refusal_says_when_it_would_fit(limits: RateLimits, clock: Clock) -> None:
    """Then it does."""
    for _ in range(3):
        limits.take_request("acme")
    error = refusal(limits, "acme")
    assert (error.retry_after_s, error.reason) == (0.5, "RATE_LIMITED")
    assert error.metadata == {"tenant": "acme", "limit": "requests_per_s"}
    clock.now_s += 0.5
    limits.take_request("acme")


def test_a_burst_is_at_least_one_request(limits: RateLimits) -> None:
    """Also where the rate is below one a second."""
    limits.take_request("slow")
    assert refusal(limits, "slow").retry_after_s == 2.0


def test_tenants_do_not_share(limits: RateLimits) -> None:
    """Those that the list does not name have a bucket each."""
    for tenant in ("one", "two", ""):
        limits.take_request(tenant)
        refusal(limits, tenant)


def test_who_has_no_limit_never_waits(clock: Clock) -> None:
    """Nothing is configured for them."""
    limits = RateLimits(Quotas(), clock)
    for _ in range(1000):
        limits.take_tokens("any", limits.take_request("any"), 10**6)


def test_tokens_are_settled_afterwards(limits: RateLimits, clock: Clock) -> None:
    """Too high an estimate comes back, too low a one is owed."""
    buckets = limits.take_request("wordy")
    limits.take_tokens("wordy", buckets, 600)
    limits.settle_tokens(buckets, 600, 100)
    limits.take_tokens("wordy", limits.take_request("wordy"), 500)
    limits.settle_tokens(buckets, 500, 700)
    with pytest.raises(RateLimited) as caught:
        limits.take_tokens("wordy", limits.take_request("wordy"), 100)
    assert caught.value.retry_after_s == pytest.approx(30.0)
    assert caught.value.metadata["limit"] == "tokens_per_minute"


def test_a_request_refused_for_its_tokens_does_not_count(limits: RateLimits) -> None:
    """Its place among the requests is free again."""
    limits.take_tokens("wordy", limits.take_request("wordy"), 600)
    for _ in range(10):
        buckets = limits.take_request("wordy")
        with pytest.raises(RateLimited):
            limits.take_tokens("wordy", buckets, 60)


def test_tokens_alone_can_be_limited(clock: Clock) -> None:
    """Without a limit of requests."""
    limits = RateLimits(Quotas({}, Quota(tokens_per_minute=60)), clock)
    limits.take_tokens("any", limits.take_request("any"), 60)
    with pytest.raises(RateLimited):
        limits.take_tokens("any", limits.take_request("any"), 1)


def test_made_up_names_do_not_fill_the_memory(clock: Clock) -> None:
    """Who has not asked for longest is forgotten first, and those in the list never."""
    limits = RateLimits(QUOTAS, clock, most_tenant_count=3)
    limits.take_request("slow")
    for tenant in ("a", "b", "c", "a", "d"):
        if tenant not in limits._others:
            limits.take_request(tenant)
        else:
            refusal(limits, tenant)
    assert list(limits._others) == ["c", "a", "d"]
    refusal(limits, "slow")


def test_new_limits_go_on_from_the_old(limits: RateLimits, clock: Clock) -> None:
    """Who has the same limits gets nothing for a change of others'; who has new ones starts anew."""
    for tenant in ("slow", "one", "wordy"):
        limits.take_request(tenant)
    limits.take_tokens("wordy", limits.take_request("wordy"), 600)
    quotas = Quotas({"slow": QUOTAS.named["slow"], "wordy": Quota(tokens_per_minute=60)}, QUOTAS.others)
    changed = limits.under(quotas)
    refusal(changed, "slow")
    refusal(changed, "one")
    changed.take_tokens("wordy", changed.take_request("wordy"), 60)
    assert list(limits.under(Quotas())._others) == []
