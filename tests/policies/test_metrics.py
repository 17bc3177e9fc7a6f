"""Metrics: checked against scikit-learn and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss, roc_auc_score

from policies.metrics import adaptive_ece, auroc, brier

POINTS = st.lists(st.tuples(st.integers(0, 10), st.booleans()), min_size=2, max_size=60)


@given(POINTS.filter(lambda points: len({label for _, label in points}) == 2))
def test_auroc_and_brier_are_scikit_learns(points: list[tuple[int, bool]]) -> None:
    """Ties included."""
    scores = np.array([score / 10 for score, _ in points])
    labels = np.array([float(label) for _, label in points])
    assert auroc(scores, labels) == pytest.approx(roc_auc_score(labels, scores))
    assert brier(scores, labels) == pytest.approx(brier_score_loss(labels, scores))


def test_auroc_of_one_class_is_none() -> None:
    """There is no pair to rank."""
    assert auroc(np.array([0.1, 0.9]), np.array([1.0, 1.0])) is None


def test_adaptive_ece_is_the_gap_between_said_and_seen() -> None:
    """Saying 0.9 of what is right half the time is 0.4 off; calibrated scores are hardly off."""
    labels = np.tile([0.0, 1.0], 100)
    assert adaptive_ece(np.full(200, 0.9), labels) == pytest.approx(0.4)
    assert adaptive_ece(np.full(200, 0.5), labels) < 0.06
