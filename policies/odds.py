"""Probabilities and their log-odds, kept off the ends so that both stay finite."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

EVIDENCE_EDGE = 0.005
"""How near to 0 or 1 a probability may come as evidence: nobody has the labels to show more."""


def logit(probability: float, edge: float = EVIDENCE_EDGE) -> float:
    """Natural log-odds of a probability clipped to [edge, 1 - edge]."""
    clipped = min(max(probability, edge), 1.0 - edge)
    return math.log(clipped / (1.0 - clipped))


def sigmoid(log_odds: float) -> float:
    """Turn natural log-odds into a probability in [0, 1]; no overflow."""
    if log_odds >= 0.0:
        return 1.0 / (1.0 + math.exp(-log_odds))
    raised = math.exp(max(log_odds, -700.0))
    return raised / (1.0 + raised)


def logits(probabilities: Floats, edge: float = EVIDENCE_EDGE) -> Floats:
    """:func:`logit` of every element."""
    clipped = np.clip(probabilities, edge, 1.0 - edge)
    return np.asarray(np.log(clipped / (1.0 - clipped)), dtype=np.float64)


def sigmoids(log_odds: Floats) -> Floats:
    """:func:`sigmoid` of every element."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * log_odds)), dtype=np.float64)
