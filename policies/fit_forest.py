"""Grows boosted trees with scikit-learn and takes them out of it; nothing that serves imports this file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from policies.forest import LEAF_COUNT, Forest
from policies.odds import Floats

TREE_COUNT = 80
"""With a learning rate of 0.05: 60 and 150 trees gave the same log loss within 0.002 on 4,000 answers."""
_SETTINGS = {
    "max_iter": TREE_COUNT,
    "learning_rate": 0.05,
    "max_leaf_nodes": LEAF_COUNT,
    "min_samples_leaf": 20,
    "l2_regularization": 5.0,
    "max_features": 0.5,
    "max_bins": 63,
    "early_stopping": False,
}


def grow(rows: Floats, qualities: Floats, seed: int = 0) -> Any:
    """Fit scikit-learn's boosted trees to graded answers, in the manner of ``fit_logistic``.

    ``rows`` (n, columns), NaN where a value is not known; ``qualities`` (n,) in [0, 1]. Two made-up
    answers of which nothing is known, one right and one wrong, keep a tier from certainty.
    """
    labels = np.concatenate([np.ones(len(qualities)), np.zeros(len(qualities)), [1.0, 0.0]])
    weights = np.concatenate([qualities, 1.0 - qualities, [1.0, 1.0]])
    kept = np.flatnonzero(weights > 0.0)
    # Weighted, scikit-learn bins fifteen times slower; grades of 0 and 1 only need no weights.
    is_graded = len(kept) > len(qualities) + 2
    nothing = np.full((2, rows.shape[1]), np.nan)
    return HistGradientBoostingClassifier(**_SETTINGS, random_state=seed).fit(
        np.vstack([rows, rows, nothing])[kept],
        labels[kept],
        sample_weight=weights[kept] if is_graded else None,
    )


def grow_gain(rows: Floats, gains: Floats, seed: int = 0) -> Any:
    """Fit scikit-learn's boosted trees to differences of two grades, (n,) in [-1, 1], by squared error."""
    return HistGradientBoostingRegressor(**_SETTINGS, random_state=seed).fit(rows, gains)


def forest_of(model: Any) -> Forest:
    """Take the trees out of a fitted HistGradientBoostingClassifier of two classes, or Regressor.

    Reads two private attributes, for there are no public ones; the artefact's probes would show
    where a later scikit-learn gives them another meaning.
    """
    intercept = float(np.ravel(model._baseline_prediction)[0])  # noqa: SLF001
    trees = [stage[0].nodes for stage in model._predictors]  # noqa: SLF001
    grown = [_Tree(nodes) for nodes in trees if len(nodes) > 1]
    intercept += sum(float(nodes["value"][0]) for nodes in trees if len(nodes) == 1)
    sizes = [len(tree.inner) for tree in grown]
    inner = np.concatenate([tree.nodes[tree.inner] for tree in grown]) if grown else _no_nodes(trees)
    return Forest(
        columns=inner["feature_idx"].astype(np.int64),
        # A split of what is known from what is missing is at infinity, which JSON does not have.
        thresholds=np.minimum(inner["num_threshold"].astype(np.float64), np.finfo(np.float64).max),
        nan_left=inner["missing_go_to_left"].astype(np.bool_),
        reachable=np.array([mask for tree in grown for mask in tree.reachable], np.uint8),
        starts=np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
        if grown
        else np.zeros(0, np.int64),
        values=np.array([tree.values for tree in grown], np.float64).reshape(len(grown), LEAF_COUNT),
        intercept=intercept,
    )


def _no_nodes(trees: Sequence[Any]) -> Any:
    return trees[0][:0]


class _Tree:
    """One tree's inner nodes, the leaves in reach when each says no, and its leaves from the left."""

    def __init__(self, nodes: Any) -> None:
        self.nodes = nodes
        self.inner: list[int] = []
        self.reachable: list[int] = []
        self.values = [0.0] * LEAF_COUNT
        self._leaf_count = 0
        self._visit(0)

    def _visit(self, place: int) -> None:
        node = self.nodes[place]
        if node["is_leaf"]:
            self.values[self._leaf_count] = float(node["value"])
            self._leaf_count += 1
            return
        self.inner.append(place)
        self.reachable.append(0)
        number, first = len(self.reachable) - 1, self._leaf_count
        self._visit(int(node["left"]))
        erased = (1 << self._leaf_count) - (1 << first)
        self.reachable[number] = (2**LEAF_COUNT - 1) & ~erased
        self._visit(int(node["right"]))
