"""Evidence that piles up one label at a time and may be looked at after each.

Two wealth processes bet that the mean of a stream exceeds a bound. Neither needs to know when it
will be looked at (Ville's inequality): under the null one never reaches 1/alpha with probability
1 - alpha; the other, floored at 1, restarts when the stream is good and so finds late changes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

BETS = (0.05, 0.1, 0.2, 0.4, 0.6, 0.9)
"""Stakes: small ones find small excesses, large ones large ones soon. Below 1 / (1 + bound)."""


@dataclass(frozen=True, slots=True)
class EvidenceProcess:
    """Evidence that E[value] > ``bound``, values in [-1, 1].

    ``log_wealths`` are natural logarithms, by bet; ``log_peak`` is the highest that their mixture
    reached. ``log_changes`` are those of the e-CUSUM, C_t = max(1, C_{t-1}) * factor_t, by bet too: it
    reaches h within t labels with probability t / h at most (Shin, Ramdas, Rinaldo: E-detectors,
    NEJSDS 2024; C is below the Shiryaev-Roberts sum, whose mean grows by at most 1 a label).
    """

    bound: float
    log_wealths: tuple[float, ...] = (0.0,) * len(BETS)
    log_changes: tuple[float, ...] = (0.0,) * len(BETS)
    log_peak: float = 0.0
    count: int = 0

    def seen(self, value: float) -> Self:
        """Return the process after one more value, which must not have chosen when it was drawn."""
        steps = [math.log1p(bet * (value - self.bound)) for bet in BETS]
        wealths = tuple(wealth + step for wealth, step in zip(self.log_wealths, steps, strict=True))
        changes = tuple(max(0.0, old) + step for old, step in zip(self.log_changes, steps, strict=True))
        return replace(
            self,
            log_wealths=wealths,
            log_changes=changes,
            log_peak=max(self.log_peak, _log_mean(wealths)),
            count=self.count + 1,
        )

    @property
    def log_wealth(self) -> float:
        """Natural logarithm of the wealth now, mixed over bets."""
        return _log_mean(self.log_wealths)

    @property
    def log_change(self) -> float:
        """Natural logarithm of the e-CUSUM now, mixed over bets."""
        return _log_mean(self.log_changes)

    def to_json(self) -> dict[str, Any]:
        """Plain values that :meth:`from_json` reads back unchanged."""
        return {
            "bound": self.bound,
            "log_wealths": list(self.log_wealths),
            "log_changes": list(self.log_changes),
            "log_peak": self.log_peak,
            "count": self.count,
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Read what :meth:`to_json` wrote; KeyError, TypeError or ValueError on anything else."""
        wealths, changes = tuple(map(float, value["log_wealths"])), tuple(map(float, value["log_changes"]))
        if len(wealths) != len(BETS) or len(changes) != len(BETS):
            raise ValueError(f"{len(wealths)} bets were kept and this version places {len(BETS)}")
        return cls(float(value["bound"]), wealths, changes, float(value["log_peak"]), int(value["count"]))


def _log_mean(logs: Sequence[float]) -> float:
    highest = max(logs)
    return highest + math.log(sum(math.exp(log - highest) for log in logs) / len(logs))
