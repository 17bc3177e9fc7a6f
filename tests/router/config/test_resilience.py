"""The sections that protect a tier: defaults, and settings that contradict each other."""

from __future__ import annotations

import pytest

from router.build import build
from router.config import ConfigError, parse
from router.errors import NoTierReady
from tests.router.conftest import ask

CONFIG = """
version: 1
tiers: [{{name: only, backend: echo, {tier}}}]
policies: [{{name: default, ladder: [only], objective: {{rule: fixed, tier: only}}}}]
"""


def test_a_tier_that_says_nothing_is_protected() -> None:
    """One retry, a breaker, and a limit that adapts where that is for the better."""
    (tier,) = parse(CONFIG.format(tier="limits: {}")).tiers
    assert (tier.resilience.retries.max_count, tier.resilience.breaker.enabled) == (1, True)
    assert tier.resilience.adaptive.enabled is None


@pytest.mark.parametrize("count", [0, 2])
async def test_what_is_configured_is_built(count: int) -> None:
    """Settings of the file reach the tier's door: it is asked again as often as they say, then left alone."""
    retries = f"retries: {{max_count: {count}, base_wait_s: 0}}"
    breaker = f"breaker: {{min_call_count: {count + 1}, open_s: 7}}"
    tier = f"options: {{fail: unavailable}}, resilience: {{{retries}, {breaker}}}"
    router = build(parse(CONFIG.format(tier=tier)))
    await router.start()
    with pytest.raises(NoTierReady):
        [event async for event in router.run(ask())]
    (status,) = router.tiers()
    assert status.health.retry_count == count
    assert 6.0 < status.health.reopens_in_s <= 7.0
    await router.close()


@pytest.mark.parametrize(
    ("tier", "said"),
    [
        ("resilience: {breaker: {open_s: 9, max_open_s: 8}}", "must be at least open_s, 9, not 8"),
        ("resilience: {retries: {base_wait_s: 3}}", "must be at least base_wait_s, 3, not 2"),
        (
            "limits: {concurrency: 2}, resilience: {adaptive: {min_concurrency: 3}}",
            "adaptive.min_concurrency, 3, is above limits.concurrency, 2",
        ),
    ],
)
def test_settings_that_contradict_each_other_are_refused(tier: str, said: str) -> None:
    """Nothing that the file says is silently cut."""
    with pytest.raises(ConfigError, match=said):
        parse(CONFIG.format(tier=tier))
