"""How often a cheap answer says what the top tier's says, by its confidence: for watching certificates."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from policies.fit_logistic import fit_logistic
from policies.guarantee.certificate import Agreement
from policies.odds import Floats, logits
from policies.replay import View
from policies.signals.same import is_same

_MIN_PAIRS = 50
"""With fewer pairs nothing is fitted: a cheap answer is then taken to agree as often as it is right."""


def fit_agreement(views: Sequence[View], qualities: Floats, chosen: NDArray[np.int64]) -> Agreement:
    """Fit to all cheaper answers beside the top tier's.

    ``qualities`` (n, K), cheapest tier first; ``chosen`` (n,) the tier whose answer the certified policy
    keeps: differences cost what they do among those. Answers without text or confidence do not count.
    """
    confidences, same, losses = [], [], []
    for view, grades, kept in zip(views, qualities, chosen.tolist(), strict=True):
        *tiers, last = view.answers
        for place, tier in enumerate(tiers):
            reading, top, confidence = (
                view.readings.get(tier),
                view.readings.get(last),
                view.answers[tier].confidence,
            )
            if top is None or reading is None or confidence is None:
                continue
            confidences.append(confidence)
            same.append(is_same(reading, top))
            if place == kept and not same[-1]:
                losses.append(float(grades[-1] - grades[place]))
    loss = max(0.0, fmean(losses)) if losses else 1.0
    if len(same) < _MIN_PAIRS:
        return Agreement(loss_where_different=loss)
    fitted = fit_logistic(logits(np.array(confidences))[:, None], np.array(same, np.float64), 1.0)
    return Agreement(fitted.intercept, float(fitted.weights[0]), loss)
