"""What a probe's measures make of a confidence."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.fit_refinement import MIN_ANSWERS, fit_refinements, free_signals, probe_measures
from policies.folds import Fold
from policies.odds import Floats
from policies.probes.refinement import Refinements, TierRefinements
from policies.registry import PROBES

Made = tuple[Floats, list[dict[str, float]], Floats, Fold]


def answers(count: int = 400, seed: int = 0) -> Made:
    """Confidences that know a little, samples that know more, and a P(True) that knows nothing."""
    rng = np.random.default_rng(seed)
    right = (rng.random(count) < 0.6).astype(np.float64)
    confidence = 1.0 / (1.0 + np.exp(-(right - 0.5 + rng.normal(size=count))))
    shares = np.clip(np.round(2.0 * (0.6 * right + 0.5 * rng.random(count))) / 2.0, 0.0, 1.0)
    signals = [
        {"sample_agreement_share": float(share), "p_true": float(rng.random()), "logprob_mean": -1.0}
        for share in shares
    ]
    return confidence, signals, right, np.arange(count) % 5


@pytest.fixture(scope="module")
def fitted() -> TierRefinements:
    """Fitted to all answers."""
    found = fit_refinements(*answers())
    assert found is not None
    return found


def test_every_set_of_probes_has_a_model(fitted: TierRefinements) -> None:
    """Two probes were measured: three sets, each read by a model of its own."""
    assert {frozenset(model.probes) for model in fitted.models} == {
        frozenset({"samples"}),
        frozenset({"p_true"}),
        frozenset({"samples", "p_true"}),
    }


def test_gain_is_told_apart_from_noise(fitted: TierRefinements) -> None:
    """A probe that knows something raises the AUROC, one that does not, does not."""
    samples, noise = fitted.gain("samples", ()), fitted.gain("p_true", ("samples",))
    assert samples is not None
    assert samples > 0.05
    assert noise is not None
    assert noise < 0.02
    assert fitted.gain("judge", ()) is None


@given(confidence=st.floats(0.0, 1.0), share=st.sampled_from([0.0, 0.5, 1.0]))
def test_what_a_probe_gives_lies_between_its_ends(
    fitted: TierRefinements, confidence: float, share: float
) -> None:
    """The plausible ends hold every measure that was common among the answers fitted on."""
    model = fitted.of({"samples"})
    assert model is not None
    low, high = model.ends(confidence, {}, "samples")
    assert low - 1e-9 <= model.predict(confidence, {"sample_agreement_share": share}) <= high + 1e-9


def test_agreement_raises_and_dissent_lowers(fitted: TierRefinements) -> None:
    """The more samples agree, the surer; the confidence by free signals still counts."""
    model = fitted.of({"samples"})
    assert model is not None
    low, high = (model.predict(0.6, {"sample_agreement_share": share}) for share in (0.0, 1.0))
    assert low < 0.6 < high
    assert model.predict(0.9, {"sample_agreement_share": 1.0}) > high


def test_few_answers_teach_nothing() -> None:
    """Below the least count, or with all right, there is no model."""
    confidences, signals, right, folds = answers(MIN_ANSWERS - 1)
    assert fit_refinements(confidences, signals, right, folds) is None
    confidences, signals, right, folds = answers()
    assert fit_refinements(confidences, signals, np.ones_like(right), folds) is None


def test_models_survive_the_file(fitted: TierRefinements) -> None:
    """What is written as JSON comes back to the same predictions."""
    kept = Refinements({"edge": fitted})
    back = Refinements.from_json(json.loads(json.dumps(kept.to_json())))
    assert back.to_json() == kept.to_json()
    assert back.gain("edge", "samples", ()) == kept.gain("edge", "samples", ())


def test_free_signals_are_those_before_any_probe() -> None:
    """No measure of a probe is among them; an arm's votes come with its answer, so they are."""
    paid = {name: 1.0 for names in probe_measures().values() for name in names}
    assert free_signals("edge", {"logprob_mean": -1.0, **paid}) == {"logprob_mean": -1.0}
    assert free_signals("edge@3", paid) == paid


def test_probes_of_different_kinds_share_no_measure() -> None:
    """A measure tells by its name which probe it came from."""
    names = [name for probe in PROBES.names() for name in probe_measures()[probe]]
    assert len(names) == len(set(names))
