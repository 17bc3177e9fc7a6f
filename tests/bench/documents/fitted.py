"""Curves of confidence, fitted on some cases to judge others: never on what they are judged by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from router.documents.verify.confidence import Curve

FOLD_COUNT = 10
# Weak priors of the logistic model: few cases, and no score that separates them wholly.
_STRENGTH = 3.0


@dataclass(frozen=True, slots=True)
class Judged:
    """A reading's scores, whether it is right, and the document that it is of."""

    document: str
    scores: Mapping[str, float]
    is_right: bool


def curve_of(judged: Sequence[Judged], neutral: Mapping[str, float]) -> Curve:
    """Fit a curve over the scores that ``neutral`` names; a score that is absent counts as neutral."""
    inputs = np.array([[one.scores.get(name, at) - at for name, at in neutral.items()] for one in judged])
    labels = np.array([one.is_right for one in judged])
    if len(set(labels.tolist())) < 2:
        rate = (labels.sum() + 1) / (len(labels) + 2)
        return Curve(float(np.log(rate / (1 - rate))), {})
    model = LogisticRegression(C=_STRENGTH).fit(inputs, labels)
    weights = zip(neutral.items(), model.coef_[0], strict=True)
    return Curve(
        round(float(model.intercept_[0]), 3),
        {name: (round(float(weight), 3), at) for (name, at), weight in weights},
    )


def folds(documents: Sequence[str]) -> list[tuple[list[int], list[int]]]:
    """Indices to fit on and to judge; a document is never on both sides."""
    count = min(FOLD_COUNT, len(set(documents)))
    split = GroupKFold(count).split(np.zeros(len(documents)), groups=np.array(documents))
    return [(fit.tolist(), judge.tolist()) for fit, judge in split]
