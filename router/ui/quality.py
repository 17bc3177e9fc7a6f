"""Quality and cost of recorded traffic: what was scored, how true confidence was, what routing could reach.

Decides how much must be known before anything is said. Scores are feedback; what was predicted before an
answer ran is kept apart from what was observed after it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean

import numpy as np

from policies.odds import Floats
from router.audit import FEEDBACK_SOURCE
from router.journal import Record

BIN_COUNT = 10
MIN_SCORED_COUNT = 30
"""Scored answers below which a policy has no point: its interval would span most of the chart."""
_PRICE_COUNT = 24
# Requests that the predicted curve is drawn from: its points move by less than a pixel beyond it.
_MAX_CURVE_COUNT = 5_000


@dataclass(frozen=True, slots=True)
class Spot:
    """A place between cost and quality: mean US dollars a request, mean quality in [0, 1] and its interval.

    ``count`` requests stand behind it; ``low`` None: there is no interval.
    """

    name: str
    cost_usd: float
    quality: float
    count: int
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Bin:
    """Answers whose confidence lies between two tenths: how many, how sure on average, how good."""

    low: float
    high: float
    count: int
    confidence: float | None
    score: float | None


@dataclass(frozen=True, slots=True)
class Quality:
    """What the newest ``request_count`` requests tell.

    ``curve`` is what choosing by predicted quality and cost would reach, ``tiers`` each tier alone by
    prediction, ``observed`` policies by their scores. ``error`` is the expected calibration error, None:
    nothing was scored. ``confident`` is the mean confidence of answers by policy, of those not observed.
    """

    request_count: int
    scored_count: int
    curve: tuple[Spot, ...]
    tiers: tuple[Spot, ...]
    observed: tuple[Spot, ...]
    confident: tuple[Spot, ...]
    bins: tuple[Bin, ...]
    error: float | None
    unscored_policies: tuple[tuple[str, int], ...]


def quality_of(records: Sequence[Record]) -> Quality:
    """Reckon with ``records``, oldest first."""
    answered = [record for record in records if record.tier is not None]
    scored = [(record, score) for record in answered if (score := _score(record)) is not None]
    bins = tuple(_bins(scored))
    observed, thin = _observed(scored)
    curve, tiers = _predicted(answered[-_MAX_CURVE_COUNT:])
    return Quality(
        request_count=len(records),
        scored_count=len(scored),
        curve=curve,
        tiers=tiers,
        observed=observed,
        confident=_confident(answered, {spot.name for spot in observed}),
        bins=bins,
        error=_error(bins),
        unscored_policies=thin,
    )


def wilson(mean: float, count: int) -> tuple[float, float]:
    """The 95 % interval of a share; Wilson (1927), JASA 22, p. 209. Sound for scores within [0, 1] too."""
    z = 1.959964
    middle = (mean + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * sqrt(mean * (1 - mean) / count + z * z / (4 * count * count))
    return max(0.0, middle - half), min(1.0, middle + half)


def _score(record: Record) -> float | None:
    """The mean of what was said of the answer; an audit's grades are of other answers too."""
    scores = [feedback.score for feedback in record.feedback if feedback.source != FEEDBACK_SOURCE]
    return fmean(scores) if scores else None


def _observed(scored: Sequence[tuple[Record, float]]) -> tuple[tuple[Spot, ...], tuple[tuple[str, int], ...]]:
    by_policy: dict[str, list[tuple[Record, float]]] = defaultdict(list)
    for record, score in scored:
        by_policy[record.policy].append((record, score))
    spots, thin = [], []
    for name, pairs in sorted(by_policy.items()):
        if len(pairs) < MIN_SCORED_COUNT:
            thin.append((name, len(pairs)))
            continue
        mean = fmean(score for _, score in pairs)
        cost = fmean(record.cost_usd_micros for record, _ in pairs) / 1e6
        spots.append(Spot(name, cost, mean, len(pairs), *wilson(mean, len(pairs))))
    return tuple(spots), tuple(thin)


def _confident(answered: Sequence[Record], scored: set[str]) -> tuple[Spot, ...]:
    """Policies by the confidence in their answers, where their scores do not tell."""
    by_policy: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for record in answered:
        if record.confidence is not None and record.policy not in scored:
            by_policy[record.policy].append((record.cost_usd_micros, record.confidence))
    return tuple(
        Spot(name, fmean(c for c, _ in pairs) / 1e6, fmean(q for _, q in pairs), len(pairs))
        for name, pairs in sorted(by_policy.items())
    )


def _bins(scored: Sequence[tuple[Record, float]]) -> list[Bin]:
    inside: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for record, score in scored:
        if record.confidence is not None:
            place = min(BIN_COUNT - 1, int(record.confidence * BIN_COUNT))
            inside[place].append((record.confidence, score))
    return [_bin(place, inside.get(place, [])) for place in range(BIN_COUNT)]


def _bin(place: int, pairs: Sequence[tuple[float, float]]) -> Bin:
    low, high = place / BIN_COUNT, (place + 1) / BIN_COUNT
    if not pairs:
        return Bin(low, high, 0, None, None)
    return Bin(low, high, len(pairs), fmean(c for c, _ in pairs), fmean(s for _, s in pairs))


def _error(bins: Sequence[Bin]) -> float | None:
    """Expected calibration error; Naeini, Cooper and Hauskrecht, AAAI 2015, equation 3."""
    total = sum(one.count for one in bins)
    gaps = [
        one.count * abs(one.confidence - one.score)
        for one in bins
        if one.confidence is not None and one.score is not None
    ]
    return sum(gaps) / total if total else None


def _predicted(answered: Sequence[Record]) -> tuple[tuple[Spot, ...], tuple[Spot, ...]]:
    """What one choice a request would reach by prediction, and each tier alone; over the longest ladder."""
    ladders = [tuple(one.tier for one in record.estimates) for record in answered]
    ladder = max(ladders, key=len, default=())
    rows = [record.estimates for record, own in zip(answered, ladders, strict=True) if own == ladder]
    if not rows or len(ladder) < 2:
        return (), ()
    quality: Floats = np.array([[one.quality for one in row] for row in rows])
    cost: Floats = np.array([[one.cost_usd_micros for one in row] for row in rows]) / 1e6
    tiers = tuple(
        Spot(name, float(cost[:, place].mean()), float(quality[:, place].mean()), len(rows))
        for place, name in enumerate(ladder)
    )
    return _frontier(quality, cost), tiers


def _frontier(quality: Floats, cost: Floats) -> tuple[Spot, ...]:
    """Best quality for its cost, over prices of quality from none to any: argmax of q - c / price."""
    spread = float(cost.mean()) or 1e-9
    rows = np.arange(len(quality))
    found: dict[float, Spot] = {}
    for price in np.geomspace(spread * 0.05, spread * 2e3, _PRICE_COUNT):
        chosen = np.argmax(quality - cost / price, axis=1)
        mean_cost = float(cost[rows, chosen].mean())
        found[mean_cost] = Spot("routed", mean_cost, float(quality[rows, chosen].mean()), len(quality))
    return tuple(found[key] for key in sorted(found))
