"""Arms: their names, when they are pointless, and what they would have given."""

from __future__ import annotations

import pytest

from backends.types import Message, Prompt, Role
from policies.arm_outcomes import with_arms
from policies.arms import Arm, is_arm, is_pointless, sample_count_of, tier_of
from policies.outcomes import Outcome, OutcomeRecord, Sample

THREE = Arm(tier="edge", samples=3)


def record(first: float, *samples: tuple[str, float | None], text: str = "5") -> OutcomeRecord:
    """An edge that answered ``text`` with grade ``first``, and then ``samples``."""
    drawn = tuple(Sample(said, quality) for said, quality in samples)
    outcome = Outcome(first, {"x": 1.0}, 10, text=text, cost_usd=0.5, samples=drawn)
    return OutcomeRecord(Prompt((Message(Role.USER, "2 + 3"),)), {"edge": outcome})


def test_a_name_tells_tier_and_count() -> None:
    """What decisions call an arm can be read back; a tier's own name is asked once."""
    assert (THREE.name, is_arm("edge@3"), is_arm("edge")) == ("edge@3", True, False)
    assert (tier_of("edge@3"), sample_count_of("edge@3"), sample_count_of("edge")) == ("edge", 3, 1)


def test_asking_as_often_or_less_is_pointless() -> None:
    """A vote of three makes a single answer of its tier vain; not the other way round."""
    assert is_pointless("edge", {"edge@3"})
    assert is_pointless("edge@3", {"edge@3"})
    assert not is_pointless("edge@3", {"edge"})
    assert not is_pointless("local", {"edge@3"})


def test_the_vote_has_its_own_grade_signals_and_cost() -> None:
    """Two samples outvote the answer; cost and tokens are threefold."""
    (found,) = with_arms([record(0.0, ("6", 1.0), ("6", 1.0))], [THREE])
    outcome = found.outcomes["edge@3"]
    assert (outcome.quality, outcome.text, outcome.output_token_count) == (1.0, "6", 30)
    assert outcome.cost_usd == pytest.approx(1.5)
    assert outcome.signals["sample_majority_share"] == pytest.approx(2 / 3)


def test_an_elected_twin_has_the_answers_grade() -> None:
    """Ungraded samples that say what the answer says are as right as it is."""
    (found,) = with_arms([record(1.0, ("6", None), ("5", None))], [THREE])
    assert found.outcomes["edge@3"].quality == 1.0
    assert found.outcomes["edge@3"].signals["x"] == 1.0


def test_too_few_samples_or_no_grade_leave_the_arm_out() -> None:
    """Nothing is made up: a record says nothing of an arm that it cannot show."""
    few, ungraded = record(1.0, ("5", 1.0)), record(1.0, ("6", None), ("6", None))
    assert all("edge@3" not in found.outcomes for found in with_arms([few, ungraded], [THREE]))
