"""Policies on recorded answers: what they are shown, and what is counted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from policies.fixed import Fixed, FixedOptions
from policies.learnt import Learnt
from policies.outcomes import OutcomeRecord
from policies.replay import replay, view_of
from policies.threshold import Threshold, ThresholdOptions
from tests.policies.ladder import COSTS_USD_MICROS, TIERS


def climbing(min_confidence: float) -> Threshold:
    return Threshold(ThresholdOptions(min_confidence=min_confidence))


def views(learnt: Learnt, graded: list[OutcomeRecord]) -> Any:
    return [view_of(learnt, record, TIERS) for record in graded[:50]]


def test_a_fixed_tier_answers_and_costs_alone(learnt: Learnt, graded: list[OutcomeRecord]) -> None:
    """Nothing else ran, nothing else is paid."""
    done = replay(Fixed(FixedOptions(tier="local")), views(learnt, graded), COSTS_USD_MICROS)
    assert (done.chosen == 1).all()
    assert (done.tried == [False, True, False]).all()
    assert (done.costs(np.tile([20.0, 100.0, 1000.0], (50, 1))) == 100.0).all()


def test_all_that_ran_is_paid_and_one_is_graded(learnt: Learnt, graded: list[OutcomeRecord]) -> None:
    """A cascade that trusts nothing climbs to the top and pays every rung."""
    done = replay(climbing(1.0), views(learnt, graded), COSTS_USD_MICROS)
    table = np.array([[record.outcomes[tier].quality for tier in TIERS] for record in graded[:50]])
    assert done.tried.all()
    assert (done.qualities(table) == table[:, 2]).all()


def test_a_higher_threshold_climbs_further(learnt: Learnt, graded: list[OutcomeRecord]) -> None:
    """On every record, for it sees the same answers."""
    shown = views(learnt, graded)
    low, high = (replay(climbing(level), shown, COSTS_USD_MICROS) for level in (0.5, 0.9))
    assert (high.tried >= low.tried).all()
    assert high.tried.sum() > low.tried.sum()


def test_a_tier_that_gives_up_has_no_quality(learnt: Learnt, graded: list[OutcomeRecord]) -> None:
    """A policy whose tier is not on the ladder answers nothing, for nothing."""
    done = replay(Fixed(FixedOptions(tier="absent")), views(learnt, graded), COSTS_USD_MICROS)
    assert (done.chosen == -1).all()
    assert not done.tried.any()
    assert (done.qualities(np.ones((50, 3))) == 0.0).all()


def test_a_view_is_what_the_router_would_see(learnt: Learnt, graded: list[OutcomeRecord]) -> None:
    """Prediction and confidence come from the same models that serve."""
    view, record = view_of(learnt, graded[0], TIERS), graded[0]
    confidence = learnt.confidence.predict("edge", view.qualities["edge"], record.outcomes["edge"].signals)
    assert view.answers["edge"].confidence == confidence
    assert 0.0 <= view.draw < 1.0
    assert view.readings == {}


def test_a_second_answer_is_shown_with_its_agreement(learnt: Learnt, graded: list[OutcomeRecord]) -> None:
    """Between 0 and 1 by the tier before it; nothing where a text is missing."""
    said = {"edge": "The answer is 12.", "local": "So it is 3 * 4. Answer: 12", "frontier": None}
    outcomes = {tier: replace(graded[0].outcomes[tier], text=said[tier]) for tier in TIERS}
    view = view_of(learnt, replace(graded[0], outcomes=outcomes), TIERS)
    assert [answer.agreements for answer in view.answered(TIERS)] == [{}, {"edge": 1.0}, {}]
