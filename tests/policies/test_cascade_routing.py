"""Cascade routing: spend where the gain is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from policies.base import Accept, Answered, Candidate, State, Stop, Try
from policies.cascade_routing import CascadeRouting, CascadeRoutingOptions
from policies.joint import NOTHING_SEEN, Conditional, Joint

EDGE = Candidate("edge", 0.6, 20.0)
LOCAL = Candidate("local", 0.8, 100.0)
TOP = Candidate("top", 0.95, 1000.0)
TIERS = ("edge", "local", "top")
MOVES = Joint(TIERS, {}, {NOTHING_SEEN: np.diag([0.3, 0.3, 0.1])})


def policy(value_of_correct_usd: float, joint: Joint | None = None) -> CascadeRouting:
    return CascadeRouting(CascadeRoutingOptions(value_of_correct_usd=value_of_correct_usd), joint)


def test_where_nothing_can_be_learnt_by_asking_it_routes() -> None:
    """Without signals the tier of highest quality less cost is asked, and no other."""
    assert policy(0.1).decide(State((EDGE, LOCAL, TOP))) == Try("top", "best_value")
    assert policy(0.001).decide(State((EDGE, LOCAL, TOP))) == Try("local", "best_value")
    assert policy(0.0001).decide(State((EDGE, LOCAL, TOP))) == Try("edge", "best_value")


def test_a_cheap_tier_whose_confidence_will_tell_is_asked_first() -> None:
    """What can be checked afterwards may be tried although a better tier is worth its price."""
    assert policy(0.01).decide(State((EDGE, TOP))) == Try("top", "best_value")
    assert policy(0.01, MOVES).decide(State((EDGE, TOP))) == Try("edge", "best_value")


def test_it_stops_where_the_gain_is_not_worth_its_cost() -> None:
    """The same doubt is worth a dear tier to one who values answers highly, and not to another."""
    state = State((TOP,), (Answered("edge", 0.6, 0.8),))
    assert policy(0.1).decide(state) == Try("top", "best_value")
    assert policy(0.005).decide(state) == Accept(0, "not_worth_more")


def test_a_certain_answer_is_never_paid_for_twice() -> None:
    """Whatever an answer is worth, and even where asking is free."""
    free = replace(TOP, cost_usd_micros=0.0)
    assert policy(1e6, MOVES).decide(State((free,), (Answered("edge", 0.6, 0.9999),))) == Accept(
        0, "not_worth_more"
    )


def test_money_is_not_spent_where_the_top_would_fail_too() -> None:
    """A hopeless answer from one tier lowers what is expected of the next."""
    hopeless = Joint(TIERS, {("edge", "top"): Conditional(-4.0, 0.5, 1.0)}, {})
    state = State((TOP,), (Answered("edge", 0.6, 0.02),))
    assert policy(0.005).decide(state) == Try("top", "best_value")
    assert policy(0.005, hopeless).decide(state) == Accept(0, "not_worth_more")


def test_an_answer_that_was_given_up_tells_as_a_rejected_one_does() -> None:
    """The confidence that was expected of it moves what is expected of the others."""
    hopeless = Joint(TIERS, {("edge", "top"): Conditional(-4.0, 0.5, 1.0)}, {})
    stopped = (Answered("edge", 0.6, 0.02),)
    assert policy(0.01, hopeless).decide(State((LOCAL, TOP))) == Try("top", "best_value")
    assert policy(0.01, hopeless).decide(State((LOCAL, TOP), stopped=stopped)) == Try("local", "best_value")


def test_the_callers_floor_is_climbed_to_at_any_price() -> None:
    """Below it the best tier left is tried; once it is met the usual rule holds again."""
    answered = (Answered("edge", 0.6, 0.8),)
    assert policy(1e-6).decide(State((TOP,), answered, min_confidence=0.9)) == Try("top", "low_confidence")
    assert policy(1e-6).decide(State((TOP,), answered, min_confidence=0.8)) == Accept(0, "confident")


def test_no_weaker_tier_is_asked_for_the_floors_sake() -> None:
    """Low confidence at the top is not an error."""
    state = State((EDGE,), (Answered("top", 0.95, 0.5),), min_confidence=0.9)
    assert policy(1e-6).decide(state) == Accept(0, "not_worth_more")


def test_a_failed_validation_is_worth_nothing() -> None:
    """The next tier is weighed against no answer at all."""
    refuted = (Answered("edge", 0.6, 0.99, failed_validation=True),)
    assert policy(0.01).decide(State((TOP,), refuted)) == Try("top", "failed_validation")


def test_answers_are_weighed_in_the_light_of_each_other() -> None:
    """A cheap answer that looked a little surer does not win over what a better tier said."""
    light = {("top", "edge"): Conditional(-1.0, 0.7, 0.3), ("edge", "top"): Conditional(1.0, 0.7, 0.3)}
    answered = (Answered("edge", 0.6, 0.75), Answered("top", 0.95, 0.7))
    assert policy(0.01).decide(State((), answered)) == Accept(0, "exhausted")
    assert policy(0.01, Joint(TIERS, revisions=light)).decide(State((), answered)) == Accept(1, "exhausted")


def test_it_settles_with_no_candidate_left() -> None:
    """The best answer is accepted; without one it stops."""
    assert policy(0.01).decide(State(())) == Stop("no_tier_left")
    answered = (Answered("edge", 0.6, 0.9), Answered("top", 0.95, 0.3))
    assert policy(0.01).decide(State((), answered)) == Accept(0, "exhausted")


@given(
    st.floats(0, 1), st.floats(0, 1), st.sampled_from([1e-4, 1e-3, 1e-2, 1.0]), st.floats(0, 1) | st.none()
)
def test_more_confidence_never_shifts_up(
    first: float, second: float, value: float, asked: float | None
) -> None:
    """With the other tiers' predictions unchanged, a surer answer leaves less to gain."""
    low, high = sorted((first, second))
    states = [State((LOCAL, TOP), (Answered("edge", 0.6, c),), asked) for c in (low, high)]
    verdicts = [policy(value, MOVES).decide(state) for state in states]
    assert not (isinstance(verdicts[0], Accept) and isinstance(verdicts[1], Try))
