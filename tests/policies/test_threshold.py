"""The plain cascade."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from policies.base import Accept, Answered, Candidate, State, Try
from policies.threshold import Threshold, ThresholdOptions

EDGE = Candidate("edge", 0.5, 1.0)
LOCAL = Candidate("local", 0.7, 10.0)
TOP = Candidate("top", 0.9, 100.0)
POLICY = Threshold(ThresholdOptions(min_confidence=0.8))


def test_the_cheapest_tier_comes_first() -> None:
    """Before anything ran only the price counts."""
    assert POLICY.decide(State((EDGE, LOCAL, TOP))) == Try("edge", "cheapest")


def test_a_confident_answer_is_accepted_and_a_doubtful_one_shifts_up() -> None:
    """The threshold itself is confident enough."""
    assert POLICY.decide(State((LOCAL,), (Answered("edge", 0.5, 0.8),))) == Accept(0, "confident")
    assert POLICY.decide(State((LOCAL,), (Answered("edge", 0.5, 0.79),))) == Try("local", "low_confidence")


def test_the_callers_threshold_wins() -> None:
    """It may be higher or lower than the policy's own."""
    answered = (Answered("edge", 0.5, 0.9),)
    assert POLICY.decide(State((LOCAL,), answered, min_confidence=0.95)) == Try("local", "low_confidence")
    assert POLICY.decide(State((LOCAL,), (Answered("edge", 0.5, 0.4),), min_confidence=0.3)) == Accept(
        0, "confident"
    )


def test_a_failed_validation_always_shifts_up() -> None:
    """No confidence outweighs a proof."""
    answered = (Answered("edge", 0.5, 1.0, failed_validation=True),)
    assert POLICY.decide(State((LOCAL,), answered, min_confidence=0.0)) == Try("local", "failed_validation")


def test_without_confidence_the_predicted_quality_counts() -> None:
    """A tier that offers no signal is as good as it was predicted to be."""
    assert POLICY.decide(State((TOP,), (Answered("local", 0.85, None),))) == Accept(0, "confident")
    assert POLICY.decide(State((TOP,), (Answered("local", 0.75, None),))) == Try("top", "low_confidence")


def test_with_no_tier_left_the_best_answer_is_accepted() -> None:
    """Highest confidence wins, then the later answer; one that failed validation comes last."""
    low, high = Answered("edge", 0.5, 0.6), Answered("local", 0.7, 0.7)
    refuted = Answered("top", 0.9, 0.99, failed_validation=True)
    assert POLICY.decide(State((), (high, low, refuted))) == Accept(0, "exhausted")
    assert POLICY.decide(State((), (low, Answered("local", 0.7, 0.6)))) == Accept(1, "exhausted")


def test_tiers_predicted_too_weak_are_skipped() -> None:
    """Unless nothing better is left: some answer beats none."""
    policy = Threshold(ThresholdOptions(min_predicted_quality=0.6))
    assert policy.decide(State((EDGE, LOCAL, TOP))) == Try("local", "cheapest")
    assert policy.decide(State((EDGE,))) == Try("edge", "cheapest")
    assert policy.decide(State((EDGE,), (Answered("top", 0.9, 0.1),))) == Accept(0, "exhausted")


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1) | st.none())
def test_more_confidence_never_shifts_up(first: float, second: float, asked: float | None) -> None:
    """An answer that is accepted would be accepted with more confidence, too."""
    low, high = sorted((first, second))
    verdicts = [POLICY.decide(State((LOCAL, TOP), (Answered("edge", 0.5, c),), asked)) for c in (low, high)]
    assert not (isinstance(verdicts[0], Accept) and isinstance(verdicts[1], Try))
