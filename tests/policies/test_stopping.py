"""Giving up answers while they are written: what is learnt of it, and what is decided."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.base import Candidate, State
from policies.costs import Rates, Weights
from policies.fit_stopping import MAX_LOST, fit_stopping
from policies.foresight import stakes_of
from policies.learnt import Learnt
from policies.odds import Floats
from policies.outcomes import Outcome
from policies.replay import EarlyStops, replay, view_of
from policies.signals.prefix import checkpoint_of
from policies.stopping import LEVELS, Checkpoint, Stakes, Stopping, hopeless, level_kept
from policies.threshold import Threshold, ThresholdOptions
from policies.training import fit_learnt
from tests.policies.doubtful import answers, records

LEVEL = LEVELS.index(0.6)
FREE = Stakes(LEVEL, 0.0, 1.0)
"""Nothing is lost by stopping, so the floor alone decides."""
COSTS = {"edge": 20.0, "top": 100.0}
PRICES = {"edge": Rates(output_usd_micros_per_million=1e6), "top": Rates()}


def fitted(count: int, seed: int) -> tuple[Checkpoint, ...]:
    confidences, outcomes = answers(count, seed)
    folds = np.arange(count) % 5
    return fit_stopping(np.full(count, 0.7), confidences, outcomes, folds)


def is_stopped(points: tuple[Checkpoint, ...], outcome: Outcome) -> bool:
    return any(hopeless(point, 0.7, outcome.signals, lambda _: FREE) for point in points)


@pytest.fixture(scope="module")
def points() -> tuple[Checkpoint, ...]:
    """What 1,500 answers teach."""
    return fitted(1500, seed=1)


@pytest.fixture(scope="module")
def learnt() -> Learnt:
    """What 800 graded prompts teach."""
    return fit_learnt(records(800, seed=2), tiers=("edge", "top"))


def test_of_answers_that_would_be_kept_few_are_stopped(points: tuple[Checkpoint, ...]) -> None:
    """On fresh answers about one in a hundred at most, all checkpoints together, and many others are."""
    confidences, outcomes = answers(4000, seed=9)
    stopped = np.array([is_stopped(points, outcome) for outcome in outcomes])
    kept = confidences >= LEVELS[LEVEL]
    assert stopped[kept].mean() <= MAX_LOST + 2.0 * np.sqrt(MAX_LOST / kept.sum())
    assert stopped[~kept].mean() > 0.25


def test_a_checkpoint_speaks_only_where_answers_came_so_far(points: tuple[Checkpoint, ...]) -> None:
    """None is learnt beyond the longest answer, and what is left to write shrinks on the way."""
    assert [point.token_count for point in points] == [8, 16, 32, 64]
    rests = [point.rest_token_count for point in points]
    assert rests == sorted(rests, reverse=True)


def test_too_few_answers_teach_nothing() -> None:
    """Below a hundred nobody can say what one in a hundred is."""
    assert fitted(90, seed=1) == ()


def test_answers_without_statistics_teach_nothing() -> None:
    """As those of a tier that gives no log-probabilities."""
    silent = [Outcome(1.0, {}, 40) for _ in range(300)]
    folds = np.arange(300) % 5
    assert fit_stopping(np.full(300, 0.7), np.linspace(0.0, 1.0, 300), silent, folds) == ()


def test_what_is_written_reads_back_unchanged(points: tuple[Checkpoint, ...]) -> None:
    """To the last digit, and levels of another version are refused."""
    written = Stopping({"edge": points}).to_json()
    assert Stopping.from_json(written).to_json() == written
    written["edge"][0]["floors"] = [0.5]
    with pytest.raises(ValueError, match="levels of confidence"):
        Stopping.from_json(written)


def test_an_answer_is_finished_where_the_rest_is_cheap(points: tuple[Checkpoint, ...]) -> None:
    """The same doubt stops an answer whose rest is dear, and not one whose next tier is."""
    _, outcomes = answers(400, seed=9)
    doubtful = next(o for o in outcomes if is_stopped(points[:1], o))
    kept = hopeless(points[0], 0.7, doubtful.signals, lambda _: FREE)
    assert kept is not None
    for next_cost, is_given_up in ((0.9 / kept.kept, True), (1.1 / kept.kept, False)):
        stakes = Stakes(LEVEL, next_cost, 1.0)
        found = hopeless(points[0], 0.7, doubtful.signals, lambda _, stakes=stakes: stakes)  # type: ignore[misc]
        assert (found is not None) is is_given_up


def test_stakes_are_not_asked_for_where_all_looks_well(points: tuple[Checkpoint, ...]) -> None:
    """They cost decisions."""
    sure = dict.fromkeys(points[0].names, 0.0)

    def refuse(_: Checkpoint) -> Stakes | None:
        raise AssertionError("nobody should ask")

    assert hopeless(points[0], 0.7, sure, refuse) is None


@given(st.floats(0.0, 1.0))
def test_the_level_is_just_below_what_is_asked_for(asked: float) -> None:
    """So the probability of reaching it is never less than that of being kept."""
    level = level_kept(lambda confidence: confidence >= asked)
    if level is None:
        assert asked <= LEVELS[0]
    else:
        assert LEVELS[level] < asked
        assert level == len(LEVELS) - 1 or LEVELS[level + 1] >= asked


def test_nothing_is_at_stake_where_no_other_tier_is_left() -> None:
    """Nor where the policy would keep any answer."""
    climbing = Threshold(ThresholdOptions(min_confidence=0.8))
    content = Threshold(ThresholdOptions(min_confidence=0.0))
    top = Candidate("top", 0.9, 100.0)
    assert stakes_of(climbing, State(()), "edge", 0.6, 5.0) is None
    assert stakes_of(content, State((top,)), "edge", 0.6, 5.0) is None
    assert stakes_of(climbing, State((top,)), "edge", 0.6, 5.0) == Stakes(LEVELS.index(0.75), 100.0, 5.0)


def test_a_replay_stops_what_would_be_stopped(learnt: Learnt) -> None:
    """Stopped answers lead to the top as rejected ones do, and hardly any other record is decided anew."""
    asked = records(600, seed=3)
    views = [view_of(learnt, record, ("edge", "top")) for record in asked]
    policy = Threshold(ThresholdOptions(min_confidence=0.6))
    early = EarlyStops(learnt.stopping, PRICES, Weights(latency_usd_per_s=0.0))
    whole, stopped = replay(policy, views, COSTS), replay(policy, views, COSTS, early)
    rows = stopped.stopped_at[:, 0] > 0
    assert rows.sum() > 20
    assert (stopped.chosen[rows] == 1).all()
    assert (stopped.chosen[~rows] == whole.chosen[~rows]).all()
    assert (whole.chosen[rows] == 0).sum() <= 2 + 2 * MAX_LOST * (whole.chosen == 0).sum()
    assert not whole.stopped_at.any()


def test_beginnings_are_not_read_as_signals_of_whole_answers(learnt: Learnt) -> None:
    """Confidence rests on what every answer has."""
    names = learnt.confidence.tiers["edge"].head.names
    assert names
    assert not any(checkpoint_of(name) is not None for name in names)


def test_a_doubtful_beginning_lowers_what_is_expected(points: tuple[Checkpoint, ...]) -> None:
    """The log-odds rank answers by the confidence that they came to."""
    confidences, outcomes = answers(1000, seed=5)
    scores: Floats = np.array([points[0].log_odds(0.7, outcome.signals) for outcome in outcomes])
    assert np.corrcoef(scores, confidences)[0, 1] > 0.5
