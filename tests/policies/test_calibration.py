"""Calibrators: monotone, bounded, right on average, and the same when read back."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from policies.calibration import (
    BetaCalibrator,
    Calibrator,
    IdentityCalibrator,
    IsotonicCalibrator,
    VennAbersCalibrator,
    calibrator_from_json,
    fit_calibrator,
)
from policies.metrics import adaptive_ece
from policies.odds import Floats
from policies.venn_abers import venn_abers_curve

GRID = np.linspace(0.0, 1.0, 101)


def overconfident(count: int, seed: int = 0) -> tuple[Floats, Floats]:
    """Scores that lie too near 0 and 1, and what became of them."""
    rng = np.random.default_rng(seed)
    truth = rng.random(count)
    return truth**2 / (truth**2 + (1.0 - truth) ** 2), (rng.random(count) < truth).astype(np.float64)


def stepped(count: int) -> tuple[Floats, Floats]:
    """A step in the truth, which three parameters cannot draw."""
    scores = np.linspace(0.01, 0.99, count)
    return scores, (scores > 0.3).astype(np.float64) * (np.arange(count) % 10 != 0)


@pytest.mark.parametrize(("count", "kind"), [(10, IdentityCalibrator), (200, BetaCalibrator)])
def test_few_labels_carry_few_parameters(count: int, kind: type[Calibrator]) -> None:
    """Three of them below five hundred labels, next to none none."""
    assert isinstance(fit_calibrator(*stepped(count)), kind)


def test_with_many_labels_the_better_kind_is_taken() -> None:
    """A step goes to a free curve, and what three parameters can draw to them."""
    assert isinstance(fit_calibrator(*stepped(800)), IsotonicCalibrator)
    assert isinstance(fit_calibrator(*overconfident(1200)), BetaCalibrator)


@settings(max_examples=20)
@given(st.integers(0, 1000), st.booleans())
def test_venn_abers_is_what_two_isotonic_regressions_say(seed: int, is_tied: bool) -> None:
    """Each point of the curve by its definition, with scikit-learn; scores may be tied, labels grades."""
    rng = np.random.default_rng(seed)
    scores = np.round(rng.random(60), 1) if is_tied else rng.random(60)
    labels = rng.random(60) if seed % 2 else (rng.random(60) < scores).astype(np.float64)
    points, values = venn_abers_curve(scores, labels)
    for point, value in zip(points[::7], values[::7], strict=True):
        fits = [
            IsotonicRegression().fit(np.append(scores, point), np.append(labels, label)) for label in (0, 1)
        ]
        low, high = (float(fit.predict([point])[0]) for fit in fits)
        assert value == pytest.approx(high / (1.0 - low + high), abs=1e-9)


def test_labels_of_one_class_change_nothing() -> None:
    """Without a contrast there is nothing to calibrate by."""
    assert isinstance(fit_calibrator(np.linspace(0, 1, 100), np.ones(100)), IdentityCalibrator)


@pytest.mark.parametrize("count", [300, 1500])
def test_calibration_mends_overconfidence(count: int) -> None:
    """On fresh scores the calibration error at least halves."""
    calibrator = fit_calibrator(*overconfident(count))
    scores, labels = overconfident(4000, seed=1)
    assert adaptive_ece(calibrator.predict(scores), labels) < 0.5 * adaptive_ece(scores, labels)


@settings(max_examples=25)
@given(
    st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=2, max_size=40),
    st.sampled_from([BetaCalibrator, IsotonicCalibrator, VennAbersCalibrator]),
)
def test_any_fit_is_monotone_and_bounded(
    points: list[tuple[float, float]], kind: type[BetaCalibrator] | type[IsotonicCalibrator]
) -> None:
    """Whatever the labels, more score never means less probability."""
    scores, labels = np.array(points).T
    mapped = kind().fit(scores, labels).predict(GRID)
    assert (np.diff(mapped) >= -1e-12).all()
    assert mapped.min() >= 0.0
    assert mapped.max() <= 1.0


@pytest.mark.parametrize(
    "kind", [IdentityCalibrator, BetaCalibrator, IsotonicCalibrator, VennAbersCalibrator]
)
def test_a_calibrator_reads_back_unchanged(kind: type[Calibrator]) -> None:
    """Through JSON and back, to the last bit."""
    calibrator = kind().fit(*overconfident(300))
    again = calibrator_from_json(json.loads(json.dumps(calibrator.to_json())))
    assert np.array_equal(again.predict(GRID), calibrator.predict(GRID))


def test_isotonic_knots_give_what_scikit_learn_gives() -> None:
    """The exported curve is the fitted one."""
    scores, labels = overconfident(1200)
    edge = 1.0 / 1202.0
    theirs = IsotonicRegression(y_min=edge, y_max=1.0 - edge, out_of_bounds="clip").fit(scores, labels)
    assert np.allclose(
        IsotonicCalibrator().fit(scores, labels).predict(GRID), theirs.predict(GRID), atol=1e-12
    )


def test_an_unknown_kind_is_refused() -> None:
    """Its name is in the message."""
    with pytest.raises(ValueError, match="platt"):
        calibrator_from_json({"kind": "platt"})
