"""The arithmetic behind the demo's figures."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.demo.summary import Measured, share_of_dearest, summarize, wilson_interval
from router.demo.traffic import mixed


def measured(*, is_right: bool, confidence: float | None = None, tier: str = "edge") -> Measured:
    """One answer."""
    return Measured("sort", tier, is_right, confidence, 0.5, 0.010, 1)


def test_a_run_is_summed_up() -> None:
    """Accuracy, cost, latency and shares are those of the answers."""
    run = summarize([measured(is_right=True), measured(is_right=False, tier="local")])
    assert (run.accuracy, run.cost_usd) == (0.5, 1.0)
    assert run.p50_ms == pytest.approx(10.0)
    assert run.tier_share == {"edge": 0.5, "local": 0.5}


def test_auroc_needs_both_right_and_wrong_answers() -> None:
    """Where every answer is right, or none has a confidence, there is nothing to rank."""
    assert summarize([measured(is_right=True, confidence=0.9)]).auroc is None
    assert summarize([measured(is_right=True), measured(is_right=False)]).auroc is None


def test_auroc_ranks_right_above_wrong() -> None:
    """Confidence that orders all right answers above all wrong ones scores 1."""
    run = summarize([measured(is_right=True, confidence=0.9), measured(is_right=False, confidence=0.2)])
    assert run.auroc == 1.0


def test_the_interval_is_wilsons() -> None:
    """The interval of 8 in 10 is the published one, 0.490 to 0.943."""
    assert wilson_interval(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)


@given(st.integers(1, 1000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_holds_the_share(right_and_count: tuple[int, int]) -> None:
    """The measured share lies within its interval, and the interval within [0, 1]."""
    right, count = right_and_count
    low, high = wilson_interval(right, count)
    assert 0.0 <= low <= right / count + 1e-12
    assert right / count - 1e-12 <= high <= 1.0


def test_the_mix_costs_what_is_asked() -> None:
    """The share of the dearer tier is where the two costs average to the one asked for, clipped."""
    assert share_of_dearest(4.0, 2.0, 10.0) == 0.25
    assert share_of_dearest(1.0, 2.0, 10.0) == 0.0
    assert share_of_dearest(1.0, 2.0, 2.0) == 0.0


def test_the_mix_is_repeatable_and_has_its_share() -> None:
    """The same seed mixes the same way, about as often as asked for."""
    first, again = (mixed(0.3, "a", "b", seed=1) for _ in range(2))
    chosen = [first(index) for index in range(2000)]
    assert chosen == [again(index) for index in range(2000)]
    assert chosen.count("b") / 2000 == pytest.approx(0.3, abs=0.04)
