"""Whether an answer that is still being written is worth finishing.

Decides from the beginning of an answer how probably it would be kept, and weighs the rest of it
against the tier that would be asked next. Refuses to know which confidence a policy asks for: the
probability is given for every level of it. Fitted in ``fit_stopping``.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from policies.head import compress
from policies.logistic import Logistic
from policies.odds import Floats, logit, sigmoid, sigmoids

LEVELS = (*(round(0.05 * step, 2) for step in range(1, 20)), 0.975, 0.99)
"""Confidences from which a policy may keep an answer."""
_EDGE = 4.0
"""Standard deviations at which a statistic is cut."""


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """The model of one tier at one count of tokens.

    ``names`` are the statistics it reads, in order; ``mean`` and ``scale`` (statistics,) of their
    compressed values. ``logistic`` gives the log-odds of the confidence to come. By level, (LEVELS,):
    P(confidence >= level) = sigmoid(intercept + slope * log-odds), and ``floors``, the probability
    below which few of the answers that would be kept lie; 0: no such floor is known.
    ``rest_token_count`` is how much an answer that came so far still writes, on average.
    """

    token_count: int
    names: tuple[str, ...]
    mean: Floats
    scale: Floats
    logistic: Logistic
    slopes: Floats
    intercepts: Floats
    floors: Floats
    rest_token_count: float

    def inputs(self, quality: float, measured: Mapping[str, float]) -> Floats:
        """Return float64 (1 + statistics,): logit of the predicted quality, then the statistics."""
        values = np.array([compress(measured[name]) for name in self.names])
        scaled = np.clip((values - self.mean) / self.scale, -_EDGE, _EDGE)
        return np.concatenate(([logit(quality)], scaled))

    def log_odds(self, quality: float, measured: Mapping[str, float]) -> float | None:
        """Log-odds of the confidence to come; None where a statistic is missing."""
        if not all(name in measured for name in self.names):
            return None
        return float(self.logistic.log_odds(self.inputs(quality, measured)))

    def kept(self, log_odds: Floats | float) -> Floats:
        """Probability that the answer reaches each level: (LEVELS,), or (n, LEVELS) for (n, 1)."""
        return sigmoids(self.intercepts + self.slopes * np.asarray(log_odds))

    def to_json(self) -> dict[str, Any]:
        """Plain values that :meth:`from_json` reads back unchanged."""
        return {
            "token_count": self.token_count,
            "names": list(self.names),
            "logistic": self.logistic.to_json(),
            "rest_token_count": self.rest_token_count,
            **{name: getattr(self, name).tolist() for name in _ARRAYS},
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read what :meth:`to_json` wrote; KeyError, TypeError or ValueError on anything else."""
        arrays = {name: np.asarray(value[name], np.float64) for name in _ARRAYS}
        if any(len(arrays[name]) != len(LEVELS) for name in ("slopes", "intercepts", "floors")):
            raise ValueError(f"a checkpoint knows other levels of confidence than the {len(LEVELS)} of today")
        return cls(
            token_count=int(value["token_count"]),
            names=tuple(value["names"]),
            logistic=Logistic.from_json(value["logistic"]),
            rest_token_count=float(value["rest_token_count"]),
            **arrays,
        )


_ARRAYS = ("mean", "scale", "slopes", "intercepts", "floors")


@dataclass(frozen=True, slots=True)
class Stopping:
    """What was learnt of all tiers: checkpoints by tier, in order of their tokens."""

    tiers: Mapping[str, tuple[Checkpoint, ...]] = field(default_factory=dict)

    def at(self, tier: str, token_count: int) -> Checkpoint | None:
        """The model that can speak of ``tier`` after so many tokens."""
        return next((point for point in self.tiers.get(tier, ()) if point.token_count == token_count), None)

    def to_json(self) -> dict[str, Any]:
        """Plain values that :meth:`from_json` reads back unchanged."""
        return {tier: [point.to_json() for point in points] for tier, points in self.tiers.items()}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read what :meth:`to_json` wrote."""
        return cls({tier: tuple(map(Checkpoint.from_json, points)) for tier, points in value.items()})


@dataclass(frozen=True, slots=True)
class Stakes:
    """What hangs on an answer: from which confidence it is kept, and what is asked otherwise.

    ``level`` is a place in LEVELS. Costs are in millionths of a US dollar: of the next tier's
    attempt, and of the rest of this one.
    """

    level: int
    next_usd_micros: float
    rest_usd_micros: float


@dataclass(frozen=True, slots=True)
class Hopeless:
    """Why an answer is given up: how probably it would have been kept, and the confidence to expect."""

    kept: float
    expected_confidence: float


def hopeless(
    point: Checkpoint,
    quality: float,
    measured: Mapping[str, float],
    stakes: Callable[[Checkpoint], Stakes | None],
) -> Hopeless | None:
    """Judge an answer that has come to ``point``; None: it is worth finishing, or nobody can tell.

    To go on costs the rest, and the next tier where the answer is not kept; to stop costs the next
    tier: stopping is cheaper where kept * next < rest. Never at or above the floor. ``stakes`` is
    asked only where the beginning looks bad at some level; it costs decisions.
    """
    log_odds = point.log_odds(quality, measured)
    if log_odds is None:
        return None
    kept = point.kept(log_odds)
    if not (kept < point.floors).any() or (at_stake := stakes(point)) is None:
        return None
    chance = float(kept[at_stake.level])
    is_cheaper = chance * at_stake.next_usd_micros < at_stake.rest_usd_micros
    if chance >= point.floors[at_stake.level] or not is_cheaper:
        return None
    return Hopeless(chance, sigmoid(log_odds))


def level_kept(is_kept: Callable[[float], bool]) -> int | None:
    """The highest level of LEVELS that is not yet kept; None where every level is.

    ``is_kept(confidence)`` must not turn false as confidence rises. What is asked for lies above
    the level found, so P(confidence >= level) is no less than the probability of being kept.
    """
    place = bisect_left(LEVELS, True, key=is_kept)
    return place - 1 if place else None
