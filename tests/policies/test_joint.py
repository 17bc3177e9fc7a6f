"""What tiers tell of each other."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from policies.fit_joint import fit_joint
from policies.joint import NOTHING_SEEN, Joint, _factor
from policies.learnt import Learnt
from tests.policies.ladder import TIERS


def test_a_sure_answer_raises_what_is_expected_of_the_others(learnt: Learnt) -> None:
    """Skills hang together: what was easy for one tier is easier for the next."""
    joint = learnt.joint
    doubtful, sure = (joint.quality_given("frontier", 0.9, "edge", c) for c in (0.05, 0.95))
    assert doubtful < sure
    assert joint.quality_given("frontier", 0.9, "unknown", 0.05) == 0.9


def test_the_surer_of_two_answers_is_less_sure_once_the_other_is_seen(learnt: Learnt) -> None:
    """The doubt of a stronger tier is doubt about the prompt; agreement of both is reassuring."""
    doubted, shared = (learnt.joint.revised("edge", 0.7, "frontier", other) for other in (0.3, 0.99))
    assert doubted < 0.7
    assert doubted < shared
    assert learnt.joint.revised("edge", 0.7, "unknown", 0.3) == 0.7


def test_a_tier_that_nothing_is_known_of_does_not_move(learnt: Learnt) -> None:
    """Its row and column of the factor are 0."""
    factor = learnt.joint.movement(["edge", "stranger"])
    assert factor[0, 0] > 0.1
    assert not factor[1].any()
    assert not Joint().movement(["edge"]).any()


def test_tiers_may_be_asked_in_any_order(learnt: Learnt) -> None:
    """The covariance goes with the names."""
    forward, backward = learnt.joint.movement(TIERS), learnt.joint.movement(TIERS[::-1])
    assert np.allclose(forward @ forward.T, (backward @ backward.T)[::-1, ::-1], atol=1e-9)


@given(st.integers(1, 6), st.integers(0, 1000))
def test_the_factor_reproduces_a_covariance(size: int, seed: int) -> None:
    """L L^T is the matrix wherever that is possible at all."""
    root = np.random.default_rng(seed).normal(size=(size, size))
    covariance = root @ root.T
    factor = _factor(covariance)
    assert np.allclose(factor @ factor.T, covariance, atol=1e-6)


def _agreeing(joint: Joint) -> tuple[float, float, float]:
    return (
        joint.revised("a", 0.6, "b", 0.8),
        joint.revised("a", 0.6, "b", 0.8, agreement=0.0),
        joint.revised("a", 0.6, "b", 0.8, agreement=1.0),
    )


def test_an_answer_gains_by_a_second_that_says_the_same() -> None:
    """And loses by one that says otherwise; where agreement is not known, the two are averaged."""
    rng = np.random.default_rng(0)
    right = (rng.random((600, 2)) < [0.5, 0.8]).astype(np.float64)
    same = np.where(right.all(axis=1), 1.0, np.where(right.any(axis=1), 0.0, rng.random(600) < 0.2))
    predicted = np.clip(np.tile([0.5, 0.8], (600, 1)) + rng.normal(0, 0.1, (600, 2)), 0.01, 0.99)
    agreements = np.tile(same[:, None, None], (1, 2, 2))
    joint = fit_joint(("a", "b"), predicted, predicted, right, agreements)
    unknown, differing, agreeing = _agreeing(joint)
    assert differing + 0.2 < unknown < agreeing - 0.2
    assert Joint.from_json(joint.to_json()).revised("a", 0.6, "b", 0.8, 1.0) == agreeing


def test_agreement_without_lessons_changes_nothing(learnt: Learnt) -> None:
    """Records without texts cannot teach what agreement is worth."""
    with_it = learnt.joint.revised("edge", 0.7, "frontier", 0.9, agreement=1.0)
    assert with_it == learnt.joint.revised("edge", 0.7, "frontier", 0.9)


def test_too_few_pairs_teach_nothing() -> None:
    """Fewer than fifty prompts that both answered leave predictions as they are."""
    predicted = np.full((40, 2), 0.5)
    joint = fit_joint(("a", "b"), predicted, predicted, np.tile([0.0, 1.0], (40, 1)))
    assert not joint.conditionals
    assert not joint.covariances[NOTHING_SEEN].any()
