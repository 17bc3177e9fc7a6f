"""What a policy would have been worth, from a log that another one wrote: estimates with their errors.

Every row is a request. ``predicted`` is what a model says of it under the new policy, ``observed``
what was seen, NaN where nothing was, and ``propensities`` the probability in (0, 1] with which the
log let it be seen. Rows that could never have been seen must not be given: no estimate makes up for
them. Knows neither tiers nor journals.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from policies.bootstrap import Figure
from policies.odds import Floats

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean and its standard error; NaN error: fewer than two rows tell of it."""

    value: float
    standard_error: float

    def figure(self, slack: float = 0.0) -> Figure:
        """The value with its 95 % interval, normal, widened by ``slack`` at both ends."""
        if not math.isfinite(self.value):
            return Figure(None)
        if not math.isfinite(self.standard_error):
            return Figure(self.value)
        half = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2) * self.standard_error + slack
        return Figure(self.value, self.value - half, self.value + half)


@dataclass(frozen=True, slots=True, eq=False)
class Log:
    """The rows; all float64 (n,)."""

    predicted: Floats
    observed: Floats
    propensities: Floats

    @property
    def weights(self) -> Floats:
        """1 / propensity where something was observed, else 0."""
        return np.where(np.isnan(self.observed), 0.0, 1.0 / self.propensities)

    @property
    def known(self) -> Floats:
        """What was observed, 0 where nothing was."""
        return np.nan_to_num(self.observed, nan=0.0)


def direct(log: Log) -> Estimate:
    """The model alone: as right as it is, with an error that knows nothing of its being wrong."""
    return _mean(log.predicted)


def inverse_propensity(log: Log) -> Estimate:
    """Mean of observed / propensity: unbiased where propensities are right.

    Horvitz and Thompson, JASA 47 (1952), section 2; as an estimate of policies: Dudík, Langford and
    Li, Doubly Robust Policy Evaluation and Learning (ICML 2011), equation 2.
    """
    return _mean(log.weights * log.known)


def self_normalised(log: Log) -> Estimate:
    """The same over the mean weight: a little biased, much steadier, and never outside of what was seen.

    Hájek (1971); Swaminathan and Joachims, The Self-Normalized Estimator for Counterfactual Learning
    (NIPS 2015), equation 5. Its error is that of the linearised ratio.
    """
    weights = log.weights
    total = float(weights.sum())
    if total == 0.0:
        return Estimate(math.nan, math.nan)
    value = float(weights @ log.known) / total
    residuals = weights * (log.known - value) / (total / len(weights))
    return Estimate(value, _mean(residuals).standard_error)


def doubly_robust(log: Log) -> Estimate:
    """The model, corrected where something was observed: unbiased where either of the two is right.

    Dudík, Langford and Li (ICML 2011), equation 3.
    """
    return _mean(corrected(log))


def corrected(log: Log) -> Floats:
    """Each row's part in :func:`doubly_robust`, (n,): differences of two policies are taken of these."""
    return np.asarray(log.predicted + log.weights * (log.known - log.predicted))


def effective_sample_size(log: Log) -> float:
    """As many rows of equal weight would tell as much: Kish, Survey Sampling (1965), section 11.7."""
    weights = log.weights
    squares = float(weights @ weights)
    return float(weights.sum()) ** 2 / squares if squares else 0.0


def labels_needed(log: Log, half_width: float) -> int:
    """Further observations with which the interval of :func:`doubly_robust` would be so narrow.

    The part of its variance that observations shrink goes down as their number goes up; 0 where
    they are enough. Without two observations of uncertain rows nothing can be said but a worst case:
    outcomes that differ from the model's by half.
    """
    uncertain = log.propensities < 1.0
    if not uncertain.any():
        return 0
    seen = uncertain & ~np.isnan(log.observed)
    count = int(seen.sum())
    share = float(uncertain.mean())
    errors = log.observed[seen] - log.predicted[seen]
    spread = float(np.mean(errors**2)) if count >= 2 else 0.25
    wanted = (half_width / NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)) ** 2
    # Of n rows, n * share * p are seen, each weighing 1/p: variance = share * spread / (p * n).
    needed = share**2 * spread / wanted
    return max(0, math.ceil(needed) - count)


def mean_of(parts: Floats) -> Estimate:
    """A mean of independent parts, with its error."""
    return _mean(parts)


def _mean(parts: Floats) -> Estimate:
    count = len(parts)
    if count == 0:
        return Estimate(math.nan, math.nan)
    error = float(parts.std(ddof=1)) / math.sqrt(count) if count > 1 else math.nan
    return Estimate(float(parts.mean()), error)
