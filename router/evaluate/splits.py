"""Which records fit, which set the knob, and which judge; no two of these share a group.

For each part that judges, the knob is set on records that the models did not see either, by models
that saw neither those records nor the ones that judge.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from policies.folds import Fold, assign_folds

ENOUGH_TO_TUNE = 1000
"""Records on which a knob is set; more folds are fitted until there are as many, or none is left."""


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Models are fitted on rows ``fit`` and show what they can on rows ``shown``."""

    fit: Fold
    shown: Fold


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """``judge``: the part that judges; ``tune``: parts that set the knob, without any row of it."""

    judge: Part
    tune: tuple[Part, ...]


def fold_splits(groups: Sequence[str], *, count: int, seed: int) -> tuple[Split, ...]:
    """Split by cross-validation over whole groups: every record judges once."""
    folds = assign_folds(groups, count=count, seed=seed)
    return tuple(
        Split(_part(folds, {fold}, fold), tuple(_tuning(folds, fold, count))) for fold in range(count)
    )


def holdout_split(groups: Sequence[str], is_test: Sequence[bool], *, count: int, seed: int) -> Split:
    """One split by file: rows of ``is_test`` judge, the others fit, less what is kin to the former."""
    kin = {group for group, test in zip(groups, is_test, strict=True) if test}
    train = [row for row, group in enumerate(groups) if group not in kin]
    judge = Part(np.array(train, np.int64), np.flatnonzero(np.asarray(is_test)))
    folds = np.full(len(groups), -1, dtype=np.int64)
    folds[train] = assign_folds([groups[row] for row in train], count=count, seed=seed)
    tune: list[Part] = []
    for fold in range(count):
        tune.append(Part(np.flatnonzero((folds >= 0) & (folds != fold)), np.flatnonzero(folds == fold)))
        if sum(len(part.shown) for part in tune) >= ENOUGH_TO_TUNE:
            break
    return Split(judge, tuple(tune))


def _tuning(folds: Fold, judged: int, count: int) -> Iterator[Part]:
    """Yield parts that show one other fold each, until they show enough."""
    # 0 with 1, 2 with 3: models fitted without a pair of folds serve both.
    beside = judged ^ 1 if judged ^ 1 < count else 0
    others = [beside, *(fold for fold in range(count) if fold not in (judged, beside))]
    shown = 0
    for fold in others:
        part = _part(folds, {judged, fold}, fold)
        yield part
        shown += len(part.shown)
        if shown >= ENOUGH_TO_TUNE:
            return


def _part(folds: Fold, kept_out: set[int], shown: int) -> Part:
    return Part(np.flatnonzero(~np.isin(folds, list(kept_out))), np.flatnonzero(folds == shown))
