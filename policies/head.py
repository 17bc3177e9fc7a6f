"""What one answer's signals say of one question: log-odds by a line, by trees, or by both.

Decides how signals become inputs and how the two models share the word. Refuses to know what is
asked (right, better served elsewhere) and how the models were fitted. Serves without scikit-learn.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from policies.forest import Forest
from policies.logistic import Logistic
from policies.odds import Floats, logit

SIGNAL_EDGE = 4.0
"""Standard deviations at which a signal is cut, for the line; trees need no cutting."""
_COMPRESSION = 20.0


@dataclass(frozen=True, slots=True, eq=False)
class Boosted:
    """Trees on the logit of the predicted quality and the signals ``names``, in order.

    ``share`` in (0, 1] is their weight beside the line. A signal that is missing stays missing.
    """

    names: tuple[str, ...]
    forest: Forest
    share: float

    def row(self, quality: float, signals: Mapping[str, float]) -> Floats:
        """Return float64 (1 + signals,), NaN where a signal is missing."""
        return np.array([logit(quality), *(signals.get(name, math.nan) for name in self.names)])

    def to_json(self) -> dict[str, Any]:
        """Plain values that :meth:`from_json` reads back unchanged."""
        return {"names": list(self.names), "forest": self.forest.to_json(), "share": self.share}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read what :meth:`to_json` wrote."""
        return cls(tuple(value["names"]), Forest.from_json(value["forest"]), float(value["share"]))


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """A logistic model of :meth:`inputs`, and trees beside it where they help.

    ``names`` are the signals that the line reads, in order; ``mean`` and ``scale`` (signals,) of
    their compressed values.
    """

    names: tuple[str, ...]
    mean: Floats
    scale: Floats
    logistic: Logistic
    boosted: Boosted | None = None

    def inputs(self, quality: float, signals: Mapping[str, float]) -> Floats:
        """Return float64 (1 + 2 * signals,): logit of the predicted quality, signals, their squares.

        A signal that is missing takes its mean.
        """
        get = signals.get
        values = np.array([get(name, math.nan) for name in self.names])
        values = np.copysign(np.log1p(_COMPRESSION * np.abs(values)), values)
        scaled = np.minimum(np.maximum((values - self.mean) / self.scale, -SIGNAL_EDGE), SIGNAL_EDGE)
        scaled[np.isnan(scaled)] = 0.0
        return np.concatenate(([logit(quality)], scaled, scaled * scaled))

    def log_odds(self, quality: float, signals: Mapping[str, float]) -> float:
        """Natural log-odds of a yes; ``quality`` in [0, 1] is what was predicted of the tier."""
        line = float(self.logistic.log_odds(self.inputs(quality, signals)))
        if self.boosted is None:
            return line
        trees = self.boosted.forest.log_odds(self.boosted.row(quality, signals))
        return (1.0 - self.boosted.share) * line + self.boosted.share * trees

    def knows(self, signals: Mapping[str, float]) -> bool:
        """Whether at least half of the signals that the line reads are there."""
        return 2 * sum(name in signals for name in self.names) >= len(self.names)

    def to_json(self) -> dict[str, Any]:
        """Plain values that :meth:`from_json` reads back unchanged."""
        return {
            "names": list(self.names),
            "mean": self.mean.tolist(),
            "scale": self.scale.tolist(),
            "logistic": self.logistic.to_json(),
            "boosted": None if self.boosted is None else self.boosted.to_json(),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read what :meth:`to_json` wrote, this version or the one before it, which had no trees."""
        boosted = value.get("boosted")
        return cls(
            tuple(value["names"]),
            np.asarray(value["mean"], np.float64),
            np.asarray(value["scale"], np.float64),
            Logistic.from_json(value["logistic"]),
            None if boosted is None else Boosted.from_json(boosted),
        )


def compress(value: float) -> float:
    """Draw large values in and small ones apart, keeping the sign: ln(1 + 20 |v|).

    Log-probabilities of -0.01, -0.1, -1 and -10 become -0.2, -1.1, -3.0 and -5.3.
    """
    return math.copysign(math.log1p(_COMPRESSION * abs(value)), value)
