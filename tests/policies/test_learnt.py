"""What is learnt from graded answers, as it is served."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from backends.types import Message, Prompt, Role, Sampling
from policies.confidence import Confidence
from policies.difficulty.fit_linear import TOPIC_COUNT, LinearDifficultyFitter
from policies.difficulty.learnt import LearntDifficulty, LearntOptions, joined
from policies.difficulty.linear import FEATURE_EDGE, ParityError
from policies.difficulty.terms import terms_of
from policies.features import features_of
from policies.folds import assign_folds
from policies.learnt import Learnt
from policies.metrics import auroc
from policies.odds import sigmoids
from policies.training import Outcome, OutcomeRecord, fit_learnt
from tests.policies.ladder import TIERS, records


def test_terms_are_words_number_shapes_marks_and_pairs() -> None:
    """17 and 42 look alike, and ASCII is read as everything else is."""
    assert terms_of("Add 17, é") == ["add", "#2", ",", "é", "add #2", "#2 ,", ", é"]
    assert terms_of("Sum 1234567 + X") == terms_of("sum 7654321 + x")


def test_the_exported_scorer_is_scikit_learns(graded: list[OutcomeRecord]) -> None:
    """Built here a second time from scikit-learn's own parts, to 1e-9."""
    prompts = [record.prompt for record in graded[:200]]
    qualities = np.array([[r.outcomes[tier].quality for tier in TIERS[:2]] for r in graded[:200]])
    folds = assign_folds([prompt.text for prompt in prompts], count=5, seed=0)
    fitter = LinearDifficultyFitter().fit(prompts, TIERS[:2], qualities, np.full((200, 2), 7.0), folds)
    served = np.array([fitter.model_.columns(p.text, features_of(p)) for p in prompts])
    terms = TfidfVectorizer(analyzer=terms_of, vocabulary=dict(fitter.model_.vocabulary), sublinear_tf=True)
    again = terms.fit_transform([prompt.text for prompt in prompts]).toarray()
    values = np.array([list(features_of(prompt).values()) for prompt in prompts])
    dense = np.clip(StandardScaler().fit_transform(values), -FEATURE_EDGE, FEATURE_EDGE)
    expected = np.hstack([again, dense]) @ fitter.model_.weights + fitter.model_.intercepts
    assert np.allclose(expected, served, atol=1e-9)
    assert len(fitter.model_.scores("", features_of(prompts[0])).topics) == TOPIC_COUNT


def test_the_estimator_with_trees_is_scikit_learns(learnt: Learnt) -> None:
    """Its probes were scored by scikit-learn itself; one that is off by a thousandth is found."""
    blend = learnt.difficulty.blend
    assert blend is not None
    blend.check(learnt.difficulty.linear)
    with pytest.raises(ParityError, match="trees differ"):
        replace(blend, probes=blend.probes + 0.001).check(learnt.difficulty.linear)


@given(st.integers(1, 6), st.integers(0, 1000), st.sampled_from([0.0, 0.5, 1.0]))
def test_qualities_differ_by_the_gains_wanted(count: int, seed: int, weight: float) -> None:
    """And stay as they were predicted where only their own differences are wanted."""
    rng = np.random.default_rng(seed)
    line = np.concatenate([rng.normal(0, 0.3, count), rng.normal(0, 0.05, count - 1)])
    alone = sigmoids(line[:count])
    found = joined(line, np.zeros_like(line), np.zeros(len(line)), weight)
    wanted = (1.0 - weight) * (alone[-1] - alone[:-1]) + weight * line[count:]
    assert np.allclose(found[-1] - found[:-1], wanted, atol=1e-9)
    assert found.sum() == pytest.approx(alone.sum())
    if weight == 0.0:
        assert np.allclose(found, alone, atol=1e-9)


def test_difficulty_and_confidence_generalise(learnt: Learnt) -> None:
    """On fresh prompts the prompt tells something and the answer tells more."""
    fresh = records(600, seed=9)
    predicted = [learnt.difficulty.predict(r.prompt, features_of(r.prompt))["edge"].quality for r in fresh]
    sure = [
        learnt.confidence.predict("edge", quality, record.outcomes["edge"].signals)
        for quality, record in zip(predicted, fresh, strict=True)
    ]
    right = np.array([record.outcomes["edge"].quality for record in fresh])
    before, after = auroc(np.array(predicted), right), auroc(np.array(sure, dtype=np.float64), right)
    assert before is not None
    assert after is not None
    assert 0.7 < before < after - 0.03


def test_reports_are_out_of_fold(learnt: Learnt) -> None:
    """They promise no more than fresh prompts keep: calibrated, and ranked as above."""
    report = learnt.reports["edge"]
    assert report.answer_count == 700
    assert report.difficulty_auroc is not None
    assert report.confidence_auroc is not None
    assert report.ece is not None
    assert 0.7 < report.difficulty_auroc < report.confidence_auroc < 0.95
    assert report.ece < 0.06


def test_length_is_predicted_and_bounded_by_the_callers_limit(learnt: Learnt) -> None:
    """More numbers, longer answers; never more than may be generated."""
    short, long = (Prompt((Message(Role.USER, f"Task 1: add {n} for it."),)) for n in ("12", "123456 " * 5))
    lengths = [learnt.difficulty.predict(p, features_of(p))["edge"].output_token_count for p in (short, long)]
    assert lengths[0] < lengths[1]
    capped = replace(long, sampling=Sampling(max_output_token_count=3))
    assert learnt.difficulty.predict(capped, features_of(capped))["edge"].output_token_count == 3


def test_answers_that_nobody_counted_are_taken_for_middling(graded: list[OutcomeRecord]) -> None:
    """Outcomes without text or token counts are learnt from all the same."""
    uncounted = [
        replace(r, outcomes={t: replace(o, output_token_count=None) for t, o in r.outcomes.items()})
        for r in graded[:60]
    ]
    estimate = fit_learnt(uncounted, tiers=TIERS).difficulty.predict(
        graded[0].prompt, features_of(graded[0].prompt)
    )
    assert estimate["edge"].output_token_count == pytest.approx(256.0)


def test_confidence_is_never_invented(learnt: Learnt) -> None:
    """An unknown tier, and an answer without the signals that were calibrated, have none."""
    assert learnt.confidence.predict("unknown", 0.9, {"logprob_mean": -0.1}) is None
    assert learnt.confidence.predict("edge", 0.9, {}) is None
    assert Confidence().predict("edge", 0.9, {"logprob_mean": -0.1}) is None


def test_fitting_is_deterministic(graded: list[OutcomeRecord]) -> None:
    """Equal records and seed give equal numbers, whatever the hash seed of the process."""
    first, second = (fit_learnt(graded[:120], tiers=TIERS, seed=3) for _ in range(2))
    assert first.difficulty.to_json() == second.difficulty.to_json()
    assert first.confidence.to_json() == second.confidence.to_json()
    assert first.joint.to_json() == second.joint.to_json()


def test_tiers_that_did_not_run_everywhere_are_fitted_on_what_there_is(graded: list[OutcomeRecord]) -> None:
    """Missing outcomes are masked, not taken for wrong."""
    masked = [
        replace(r, outcomes={t: o for t, o in r.outcomes.items() if t != "frontier" or place % 2})
        for place, r in enumerate(graded[:300])
    ]
    learnt = fit_learnt(masked, tiers=TIERS)
    assert learnt.reports["frontier"].answer_count == 150
    assert learnt.reports["frontier"].mean_quality > 0.9


def test_a_tier_that_is_always_right_is_nearly_but_not_quite_trusted() -> None:
    """No number of right answers makes certainty."""
    always = [
        replace(record, outcomes={"top": Outcome(1.0, {"logprob_mean": -0.01 * place}, 5)})
        for place, record in enumerate(records(60, seed=4))
    ]
    learnt = fit_learnt(always)
    confidence = learnt.confidence.predict("top", 0.9, {"logprob_mean": -0.1})
    assert confidence is not None
    assert 0.8 < confidence < 1.0


def test_refuted_answers_teach_the_other_tiers_only(graded: list[OutcomeRecord]) -> None:
    """They are wrong by proof, so the confidence model does not spend itself on them."""
    refuted = Outcome(0.0, {"logprob_mean": -0.1, "json_schema_valid": 0.0}, 5)
    mixed = [
        replace(r, outcomes={**r.outcomes, "edge": refuted}) if place % 3 == 0 else r
        for place, r in enumerate(graded[:300])
    ]
    learnt = fit_learnt(mixed, tiers=TIERS)
    assert "json_schema_valid" not in learnt.confidence.tiers["edge"].head.names
    assert ("edge", "frontier") in learnt.joint.conditionals


@pytest.mark.parametrize("grade", [1.5, -0.1, math.nan])
def test_grades_must_be_grades(graded: list[OutcomeRecord], grade: float) -> None:
    """A grade outside [0, 1] is an error that names the tier."""
    bad = replace(graded[0], outcomes={"edge": replace(graded[0].outcomes["edge"], quality=grade)})
    with pytest.raises(ValueError, match="'edge' has a quality outside"):
        fit_learnt([bad, *graded[1:40]])


def test_too_few_prompts_are_refused(graded: list[OutcomeRecord]) -> None:
    """Repeating a prompt does not make more of them."""
    with pytest.raises(ValueError, match="too few"):
        fit_learnt([graded[0]] * 100)


def test_a_learnt_estimator_is_not_built_from_nothing() -> None:
    """The message says what to do instead."""
    with pytest.raises(ValueError, match="heuristic"):
        LearntDifficulty.build(LearntOptions(), None)


def test_serving_imports_no_scikit_learn() -> None:
    """Reading an artefact and predicting cost no such library."""
    code = "import sys, policies.artefact, policies.cascade_routing; sys.exit('sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_confidence_model_is_scikit_learns(learnt: Learnt, graded: list[OutcomeRecord]) -> None:
    """Put back into scikit-learn, the exported weights give the same scores to 1e-9."""
    head = learnt.confidence.tiers["edge"].head
    line = replace(head, boosted=None)
    inputs = np.array([head.inputs(0.6, record.outcomes["edge"].signals) for record in graded[:50]])
    theirs = LogisticRegression().fit(inputs, np.arange(50) % 2)
    theirs.coef_, theirs.intercept_ = head.logistic.weights[None, :], np.array([head.logistic.intercept])
    served = [line.log_odds(0.6, record.outcomes["edge"].signals) for record in graded[:50]]
    assert np.allclose(served, theirs.decision_function(inputs), atol=1e-9)
