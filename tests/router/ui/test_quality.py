"""Quality of recorded traffic: what is said, and what is not said for lack of data."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.audit import FEEDBACK_SOURCE
from router.events import TierEstimate
from router.journal import Feedback, Record
from router.ui.charts.quality import curve_chart, reliability_chart
from router.ui.quality import MIN_SCORED_COUNT, quality_of, wilson

ESTIMATES = (TierEstimate("edge", 0.6, 10.0), TierEstimate("frontier", 0.9, 1000.0))


def record(
    number: int, *, score: float | None = None, confidence: float = 0.95, source: str = "user"
) -> Record:
    feedback = () if score is None else (Feedback(str(number), source, score, 0.0),)
    return Record(
        request_id=str(number),
        time_s=0.0,
        policy="default",
        estimates=ESTIMATES,
        tier="edge",
        confidence=confidence,
        cost_usd_micros=100,
        feedback=feedback,
    )


def scored(scores: Sequence[float], confidence: float = 0.95) -> list[Record]:
    return [record(number, score=score, confidence=confidence) for number, score in enumerate(scores)]


def test_a_policy_has_a_point_once_enough_is_scored() -> None:
    """Its mean score and cost, with an interval around it."""
    found = quality_of(scored([1.0] * (MIN_SCORED_COUNT - 3) + [0.0] * 3))
    (spot,) = found.observed
    assert (spot.name, spot.quality, spot.cost_usd) == ("default", 0.9, 1e-4)
    assert spot.low is not None
    assert spot.high is not None
    assert spot.low < 0.9 < spot.high
    assert found.confident == ()


def test_below_that_only_confidence_speaks() -> None:
    """And how many scores are missing is told."""
    found = quality_of(scored([1.0] * (MIN_SCORED_COUNT - 1)))
    assert found.observed == ()
    assert found.unscored_policies == (("default", MIN_SCORED_COUNT - 1),)
    assert [spot.quality for spot in found.confident] == [pytest.approx(0.95)]


def test_grades_of_audits_are_no_scores_of_answers() -> None:
    """They are of the top tier's answers too."""
    found = quality_of([record(1, score=1.0, source=FEEDBACK_SOURCE)])
    assert (found.scored_count, found.error) == (0, None)


def test_calibration_error_is_the_gap_weighted_by_answers() -> None:
    """A tenth that is 95 % sure and right in half of its answers is off by 45 points."""
    found = quality_of(scored([1.0, 0.0]))
    assert found.error == pytest.approx(0.45)
    (filled,) = (one for one in found.bins if one.count)
    assert (filled.low, filled.count, filled.score) == (0.9, 2, 0.5)


def test_full_confidence_falls_into_the_last_bin() -> None:
    """There is none above it."""
    assert quality_of(scored([1.0], confidence=1.0)).bins[-1].count == 1


def test_the_predicted_curve_runs_from_the_cheapest_to_the_best() -> None:
    """Each tier alone is among what it could choose."""
    found = quality_of(scored([1.0] * 5))
    assert [spot.quality for spot in found.curve] == sorted(spot.quality for spot in found.curve)
    assert found.curve[0].cost_usd == pytest.approx(1e-5)
    assert found.curve[-1].cost_usd == pytest.approx(1e-3)
    assert [spot.name for spot in found.tiers] == ["edge", "frontier"]


def test_no_traffic_is_nothing_to_reckon_from() -> None:
    """No figure is made up."""
    found = quality_of([])
    assert (found.curve, found.tiers, found.observed, found.error) == ((), (), (), None)
    assert curve_chart(found, 375.0, 320.0).marks == ()


@given(st.floats(0.0, 1.0), st.integers(1, 10_000))
def test_an_interval_holds_its_mean_and_stays_within_bounds(mean: float, count: int) -> None:
    """Also at the ends."""
    low, high = wilson(mean, count)
    assert 0.0 <= low <= mean + 1e-9
    assert mean - 1e-9 <= high <= 1.0


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), max_size=60), st.integers(260, 1600))
def test_charts_stay_within_their_frame(pairs: list[tuple[float, float]], width: int) -> None:
    """Whatever was recorded."""
    records = [record(i, score=score, confidence=sure) for i, (score, sure) in enumerate(pairs)]
    found = quality_of(records)
    curve, reliability = curve_chart(found, width, 320.0), reliability_chart(found, width, 320.0)
    assert all(0 <= mark.x <= width and 0 <= mark.y <= 320 for mark in curve.marks)
    assert all(0 <= bar.mark_x <= width and 0 <= bar.mark_y <= 320 for bar in reliability.bars)
