"""How long a silence is before it counts as slow."""

from __future__ import annotations

from router.resilience.hedging import HedgeDelay
from router.resilience.settings import Hedging


def test_nothing_is_hedged_before_enough_was_measured() -> None:
    """Too few calls say nothing about what is slow."""
    delay = HedgeDelay(Hedging(quantile=0.9, min_call_count=10))
    for _ in range(9):
        delay.add(0.1)
    assert delay.delay_s() is None


def test_the_delay_is_a_quantile_of_the_latest_calls() -> None:
    """Nine of ten calls had their first token by then; old ones are forgotten."""
    delay = HedgeDelay(Hedging(quantile=0.9, min_call_count=10))
    for number in range(100):
        delay.add(number / 100)
    assert delay.delay_s() == 0.9
    for _ in range(200):
        delay.add(2.0)
    assert delay.delay_s() == 2.0
