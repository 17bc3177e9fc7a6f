"""What a run came to: accuracy with its interval, cost, latency, and share per tier.

Plain arithmetic over what was measured; it sends nothing and draws nothing.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from policies.metrics import auroc

# Two-sided 95 % quantile of the normal distribution.
_Z95 = 1.959964


@dataclass(frozen=True, slots=True)
class Measured:
    """One answered request."""

    kind: str
    tier: str
    is_right: bool
    confidence: float | None
    cost_usd: float
    latency_s: float
    attempt_count: int


@dataclass(frozen=True, slots=True)
class Summary:
    """A run in figures; ``accuracy_interval`` holds the truth with 95 % confidence."""

    request_count: int
    accuracy: float
    accuracy_interval: tuple[float, float]
    cost_usd: float
    p50_ms: float
    p95_ms: float
    tier_share: dict[str, float]
    auroc: float | None

    def to_json(self) -> dict[str, object]:
        """The figures as JSON values."""
        return {
            "accuracy": round(self.accuracy, 4),
            "accuracy_interval": [round(bound, 4) for bound in self.accuracy_interval],
            "cost_usd": round(self.cost_usd, 6),
            "p50_ms": round(self.p50_ms, 2),
            "p95_ms": round(self.p95_ms, 2),
            "tier_share": {tier: round(share, 4) for tier, share in self.tier_share.items()},
        }


def summarize(measured: Sequence[Measured]) -> Summary:
    """Sum up a run of at least one request; ``auroc`` None where confidence cannot be judged."""
    count = len(measured)
    right_count = sum(one.is_right for one in measured)
    p50_ms, p95_ms = np.percentile([one.latency_s * 1e3 for one in measured], [50, 95])
    tiers = Counter(one.tier for one in measured)
    return Summary(
        request_count=count,
        accuracy=right_count / count,
        accuracy_interval=wilson_interval(right_count, count),
        cost_usd=sum(one.cost_usd for one in measured),
        p50_ms=float(p50_ms),
        p95_ms=float(p95_ms),
        tier_share={tier: tiers[tier] / count for tier in sorted(tiers)},
        auroc=_confidence_auroc(measured),
    )


def wilson_interval(right_count: int, count: int) -> tuple[float, float]:
    """95 % score interval of a proportion (Wilson, JASA 22, 1927)."""
    share, z2 = right_count / count, _Z95 * _Z95
    centre = (share + z2 / (2 * count)) / (1 + z2 / count)
    half = _Z95 / (1 + z2 / count) * math.sqrt(share * (1 - share) / count + z2 / (4 * count * count))
    return max(0.0, centre - half), min(1.0, centre + half)


def share_of_dearest(cost: float, cheapest_cost: float, dearest_cost: float) -> float:
    """Share of requests that a random mix of two tiers sends to the dearer one to cost ``cost``."""
    if dearest_cost <= cheapest_cost:
        return 0.0
    return min(1.0, max(0.0, (cost - cheapest_cost) / (dearest_cost - cheapest_cost)))


def _confidence_auroc(measured: Sequence[Measured]) -> float | None:
    judged = [(one.confidence, one.is_right) for one in measured if one.confidence is not None]
    if len({is_right for _, is_right in judged}) < 2:
        return None
    scores, labels = zip(*judged, strict=True)
    return auroc(np.array(scores, dtype=float), np.array(labels, dtype=float))
