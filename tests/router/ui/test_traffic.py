"""Counting traffic: what is kept of it, for how long, and what is reckoned from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.types import Usage
from router.events import Outcome
from router.observe.run import Run
from router.ui.traffic import LATENCY_BASE, SLICE_COUNT, SLICE_S, Traffic
from router.ui.window import percentile, window_of
from tests.router.ui.runs import report, run

Clock = Callable[[], float]


class Hands:
    """A clock that stands until it is set."""

    now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
def traffic(clock: Hands) -> Traffic:
    return Traffic(lambda: "frontier", lambda name, usage: 7 * usage.output_token_count, clock)


def climbed() -> Run:
    edge = report(1, "edge", Outcome.REJECTED, "low_confidence", cost=1)
    return run([edge, report(2, "frontier", Outcome.ACCEPTED, "confident", cost=99)], latency_s=0.2)


def test_a_request_counts_by_tier_step_and_money(traffic: Traffic) -> None:
    """Its answer, the step that led there, and what it cost."""
    traffic.heard(climbed())
    window = window_of(traffic, 60.0)
    assert (window.count, window.tiers) == (1, Counter({"frontier": 1}))
    assert window.cost_usd == pytest.approx(1e-4)
    assert window.moves == Counter({("edge", "frontier", "low_confidence"): 1})
    assert window.firsts == Counter({"edge": 1})


def test_the_baseline_is_the_answers_own_cost_where_it_ran(traffic: Traffic) -> None:
    """What the frontier took is what it would have taken."""
    traffic.heard(climbed())
    assert traffic.total.baseline_usd_micros == 99


def test_the_baseline_is_predicted_where_it_did_not_run(traffic: Traffic) -> None:
    """From the estimate that was made before the request ran."""
    answered = report(1, "edge", Outcome.ACCEPTED, "confident", cost=1)
    traffic.heard(run([answered], estimates={"frontier": 80.0}))
    assert traffic.total.baseline_usd_micros == 80.0


def test_the_baseline_is_priced_where_nothing_was_predicted(traffic: Traffic) -> None:
    """By the tokens of the answer that was given."""
    one = report(1, "edge", Outcome.ACCEPTED, "confident", usage=Usage(3, 5))
    traffic.heard(run([one]))
    assert traffic.total.baseline_usd_micros == 35.0


def test_what_had_no_answer_saves_nothing(traffic: Traffic) -> None:
    """It cost what it cost."""
    failed = report(1, "edge", Outcome.FAILED, "unavailable", cost=4)
    traffic.heard(run([failed], error="NO_TIER_READY"))
    window = window_of(traffic, 60.0)
    assert window.errors == [("NO_TIER_READY", 1)]
    assert window.saved_share == 0.0


def test_old_traffic_is_forgotten(traffic: Traffic, clock: Hands) -> None:
    """Slices never outgrow their number, and a window sees its span only."""
    for _ in range(SLICE_COUNT + 50):
        traffic.heard(climbed())
        clock.now_s += SLICE_S
    assert len(traffic.slices) == SLICE_COUNT
    assert window_of(traffic, 60.0).count == 29
    assert traffic.total.count == SLICE_COUNT + 50


def test_a_window_has_its_points_in_order(traffic: Traffic, clock: Hands) -> None:
    """The newest last, each as long as the others."""
    traffic.heard(climbed())
    points = window_of(traffic, 60.0).points
    assert [point.end_s for point in points] == sorted(point.end_s for point in points)
    assert points[-1].per_s == {"frontier": 1 / SLICE_S}
    assert sum(len(point.per_s) for point in points) == 1


@given(st.lists(st.floats(1e-5, 1e3), min_size=1, max_size=40), st.sampled_from([0.5, 0.95, 1.0]))
def test_percentiles_are_right_within_five_percent(latencies: list[float], share: float) -> None:
    """However latencies are spread."""
    traffic = Traffic(lambda: "frontier", lambda name, usage: None, lambda: 0.0)
    for latency in latencies:
        traffic.heard(run([report(1, "edge", Outcome.ACCEPTED, "confident")], latency_s=latency))
    found = percentile(traffic.slices[0].latencies, share)
    exact = sorted(latencies)[max(0, -int(-share * len(latencies) // 1) - 1)]
    assert found is not None
    assert found / exact == pytest.approx(1.0, abs=LATENCY_BASE**0.5 - 1 + 1e-3)


def test_nothing_has_no_percentile() -> None:
    """None, not zero."""
    assert percentile(Counter(), 0.5) is None
