"""One question asked of an answer's signals: the line, the trees, and both."""

from __future__ import annotations

import json
import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.fit_forest import forest_of, grow
from policies.fit_head import fit_head
from policies.folds import assign_folds
from policies.forest import Forest
from policies.head import Head

SEED = st.integers(0, 2**32 - 1)


@settings(max_examples=15)
@given(SEED, st.booleans())
def test_exported_trees_are_scikit_learns(seed: int, is_graded: bool) -> None:
    """On rows seen and unseen, with values missing, to 1e-9; through JSON too."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(240, 5))
    rows[rng.random(rows.shape) < 0.2] = np.nan
    labels = rng.random(240) if is_graded else (rng.random(240) < 0.4).astype(np.float64)
    model = grow(rows, labels, seed % 1000)
    forest = Forest.from_json(json.loads(json.dumps(forest_of(model).to_json())))
    asked = np.vstack([rows, 3.0 * rng.normal(size=(20, 5)), np.full((1, 5), np.nan)])
    served = [forest.log_odds(row) for row in asked]
    assert np.allclose(served, model.decision_function(asked), atol=1e-9)


def _answers(count: int, seed: int) -> tuple[list[dict[str, float]], np.ndarray]:
    """Right where ``doubt`` lies in the middle: no line can tell."""
    rng = np.random.default_rng(seed)
    doubt = rng.uniform(-1.0, 1.0, count)
    right = (np.abs(doubt) < 0.4) ^ (rng.random(count) < 0.1) ^ (rng.random(count) < 0.05)
    signals = [{"doubt": float(d), "sign": float(np.sin(9.0 * d))} for d in doubt]
    return signals, right.astype(np.float64)


def _fit(count: int) -> tuple[Head, list[dict[str, float]], np.ndarray]:
    signals, labels = _answers(count, 1)
    folds = assign_folds([str(place) for place in range(count)], count=5, seed=0)
    fitted = fit_head(np.full(count, 0.5), signals, labels, folds)
    assert fitted is not None
    for place in range(0, count, 7):
        expected = fitted.expected(0.5, signals[place])
        assert math.isclose(fitted.head.log_odds(0.5, signals[place]), expected, abs_tol=1e-9)
    return fitted.head, signals, labels


def test_trees_stand_beside_the_line_where_they_predict_better() -> None:
    """And the blend is what scikit-learn's two models give together."""
    head, _, _ = _fit(500)
    assert head.boosted is not None
    assert head.boosted.share >= 0.5
    assert Head.from_json(json.loads(json.dumps(head.to_json()))).log_odds(0.4, {"doubt": 0.1}) == (
        head.log_odds(0.4, {"doubt": 0.1})
    )


def test_few_answers_grow_no_trees() -> None:
    """A hundred cannot fill leaves of twenty that are worth having."""
    assert _fit(100)[0].boosted is None


def test_a_signal_that_is_rare_is_read_by_trees_alone() -> None:
    """The line would have to make it up for all others."""
    signals, labels = _answers(400, 2)
    for place in range(0, 400, 4):
        signals[place]["checked"] = float(labels[place])
    folds = assign_folds([str(place) for place in range(400)], count=5, seed=0)
    fitted = fit_head(np.full(400, 0.5), signals, labels, folds)
    assert fitted is not None
    assert "checked" not in fitted.head.names
    assert fitted.head.boosted is not None
    assert fitted.head.log_odds(0.5, {"doubt": 0.9, "sign": 0.9, "checked": 1.0}) > fitted.head.log_odds(
        0.5, {"doubt": 0.9, "sign": 0.9, "checked": 0.0}
    )


def test_a_split_on_what_is_missing_can_be_written() -> None:
    """Where a signal tells by being there at all, scikit-learn's threshold is infinite and JSON has none."""
    rng = np.random.default_rng(0)
    labels = (rng.random(400) < 0.5).astype(np.float64)
    rows = np.where(labels[:, None] == 1.0, 1.0, np.nan) * np.ones((400, 1))
    model = grow(rows, labels)
    forest = Forest.from_json(json.loads(json.dumps(forest_of(model).to_json(), allow_nan=False)))
    for row in (np.array([1.0]), np.array([np.nan]), np.array([1e300])):
        assert math.isclose(
            forest.log_odds(row), float(model.decision_function(row[None, :])[0]), abs_tol=1e-9
        )
    assert forest.log_odds(np.array([1.0])) > forest.log_odds(np.array([np.nan]))
