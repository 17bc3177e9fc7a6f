"""Cross-fitting: every score that something else is fitted on comes from a model that never saw it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from policies.odds import Floats

Fold = NDArray[np.int64]


def assign_folds(groups: Sequence[str], *, count: int, seed: int) -> Fold:
    """Give each record a fold, int64 (n,) in 0..count-1; records of one group share theirs.

    Deterministic in the groups' names and ``seed``; groups are dealt out evenly.
    """
    names = sorted(set(groups))
    dealt = np.random.default_rng(seed).permutation(len(names)) % count
    place = dict(zip(names, dealt.tolist(), strict=True))
    return np.array([place[group] for group in groups], dtype=np.int64)


def out_of_fold(folds: Fold, known: NDArray[np.bool_], fit_predict: Callable[[Fold, Fold], Floats]) -> Floats:
    """Predict every record by a model fitted on the other folds' ``known`` records.

    ``fit_predict(rows to fit on, rows to predict)`` returns a prediction for each of the latter.
    Returns float64 (n,), for unknown records too.
    """
    predicted = np.zeros(len(folds))
    for fold in np.unique(folds):
        inside = folds == fold
        rows = np.flatnonzero(inside)
        predicted[rows] = fit_predict(np.flatnonzero(~inside & known), rows)
    return predicted
