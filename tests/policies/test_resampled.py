"""Figures on weights: equal to their plain definitions, and to what repeated records give."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.bootstrap import Measure, figure, resample_weights
from policies.metrics import adaptive_ece, auroc, brier
from policies.odds import Floats
from policies.resampled import (
    adaptive_ece_of,
    apgr_of,
    aurc_of,
    auroc_of,
    brier_of,
    cpt_of,
    mean_of,
    ratio_of,
)

PAIRS = st.lists(
    st.tuples(st.sampled_from([0.0, 0.2, 0.5, 0.9]), st.sampled_from([0.0, 1.0])), min_size=2, max_size=40
)


def at(measure: Measure, weights: Floats | None = None, *, count: int = 0) -> float:
    return float(measure(np.ones((1, count)) if weights is None else weights[None, :])[0])


@given(PAIRS)
def test_unweighted_figures_are_the_plain_ones(pairs: list[tuple[float, float]]) -> None:
    """Of ones every weighted metric is its definition."""
    scores, labels = np.array(pairs).T
    plain = auroc(scores, labels)
    assert at(auroc_of(scores, labels), count=len(scores)) == pytest.approx(
        np.nan if plain is None else plain, nan_ok=True
    )
    assert at(brier_of(scores, labels), count=len(scores)) == pytest.approx(brier(scores, labels))
    assert at(adaptive_ece_of(scores, labels), count=len(scores)) == pytest.approx(
        adaptive_ece(scores, labels)
    )


@given(PAIRS, st.data())
def test_a_weight_is_a_repetition(pairs: list[tuple[float, float]], data: st.DataObject) -> None:
    """Weight two is the record twice, weight none is the record left out."""
    scores, labels = np.array(pairs).T
    counts = np.array(data.draw(st.lists(st.integers(0, 3), min_size=len(pairs), max_size=len(pairs))), float)
    kept = np.repeat(np.arange(len(pairs)), counts.astype(int))
    for make in (auroc_of, aurc_of):
        if len(kept):
            repeated = at(make(scores[kept], labels[kept]), count=len(kept))
            assert at(make(scores, labels), counts) == pytest.approx(repeated, nan_ok=True)


def test_apgr_of_blind_and_seeing_scores() -> None:
    """Equal scores recover half the gap; the best possible order more, and it crosses sooner."""
    rng = np.random.default_rng(0)
    weak, strong = (rng.random(400) < 0.4).astype(float), (rng.random(400) < 0.8).astype(float)
    blind, seeing = np.zeros(400), strong - weak
    assert at(apgr_of(blind, weak, strong), count=400) == pytest.approx(0.5)
    assert at(cpt_of(blind, weak, strong, 0.8), count=400) == pytest.approx(0.8)
    assert at(apgr_of(seeing, weak, strong), count=400) > 0.8
    assert at(cpt_of(seeing, weak, strong, 0.8), count=400) == pytest.approx(0.8 * np.mean(seeing))


def test_cpt_is_the_first_crossing() -> None:
    """Once over the line and under it again still counts from the first time."""
    weak = np.array([0.0, 1.0, 0.0, 0.0])
    strong = np.array([1.0, 0.0, 1.0, 0.0])
    scores = np.array([4.0, 3.0, 2.0, 1.0])
    assert at(cpt_of(scores, weak, strong, 0.5), count=4) == pytest.approx(0.125)


def test_without_a_gap_there_is_nothing_to_recover() -> None:
    """A strong tier that is no better leaves APGR and CPT unmeasured."""
    same = np.ones(5)
    assert np.isnan(at(apgr_of(np.arange(5.0), same, same), count=5))
    assert figure(cpt_of(np.arange(5.0), same, same, 0.5), np.ones((3, 5))).value is None


def test_sure_and_right_answers_first_lower_the_risk() -> None:
    """AURC of one right and one wrong answer: 0 then 1/2, or 1 then 1/2."""
    labels = np.array([1.0, 0.0])
    assert at(aurc_of(np.array([0.9, 0.1]), labels), count=2) == pytest.approx(0.25)
    assert at(aurc_of(np.array([0.1, 0.9]), labels), count=2) == pytest.approx(0.75)


def test_groups_are_drawn_whole() -> None:
    """Records of one group have one weight, and each resample has as many groups as there are."""
    weights = resample_weights(["a", "a", "b", "c"], count=50, seed=1)
    assert (weights[:, 0] == weights[:, 1]).all()
    assert (weights[:, 1:].sum(axis=1) == 3.0).all()
    assert (weights == resample_weights(["a", "a", "b", "c"], count=50, seed=1)).all()


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    """Of 200 samples of 100 coins about 95 % have the true share in the interval of their mean."""
    rng = np.random.default_rng(3)
    hits = 0
    for seed in range(200):
        sample = (rng.random(100) < 0.3).astype(float)
        found = figure(mean_of(sample), resample_weights([str(i) for i in range(100)], count=300, seed=seed))
        assert found.low is not None
        assert found.high is not None
        hits += found.low <= 0.3 <= found.high
    assert 178 <= hits <= 199


def test_a_figure_in_json() -> None:
    """Value and interval; nothing where nothing can be measured."""
    assert figure(mean_of(np.ones(3)), np.ones((2, 3))).to_json() == {"value": 1.0, "interval": [1.0, 1.0]}
    assert figure(mean_of(np.ones(3)), np.ones((0, 3))).to_json() == {"value": 1.0, "interval": None}
    ratio = ratio_of(np.zeros(2), np.ones(2))
    assert figure(ratio, np.ones((2, 2))).value == 0.0
