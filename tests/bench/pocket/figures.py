"""What the promise was worth: loss against always the top tier on the same requests, and what was saved.

Pure arithmetic over what was asked; the interval is a bootstrap over requests.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from policies.bootstrap import Figure, figure, resample_weights
from policies.metrics import auroc
from policies.odds import Floats
from policies.resampled import mean_of, ratio_of
from tests.bench.pocket.asked import Asked

_RESAMPLE_COUNT = 10_000


@dataclass(frozen=True, slots=True)
class Served:
    """The certified policy against always the top tier, request by request.

    ``net_loss``: mean of the top's quality less the served one; harms and gains are counts of it.
    ``cost_share`` of always the top; ``audit_cost_share`` is what audits paid beside it.
    """

    request_count: int
    net_loss: Figure
    harm_count: int
    gain_count: int
    right: Figure
    top_right: Figure
    cost_share: Figure
    audit_cost_share: float
    tier_share: dict[str, float]
    p50_ms: float
    p95_ms: float
    edge_auroc: float | None

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        plain = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {
            name: value.to_json() if isinstance(value, Figure) else value for name, value in plain.items()
        }


def compare(
    served: Sequence[Asked], top: Sequence[Asked], edge: Sequence[Asked], audit_cost_usd: float
) -> Served:
    """Hold the three passes over the same requests against each other."""
    right, top_right = _rights(served), _rights(top)
    costs, top_costs = _column(served, "cost_usd"), _column(top, "cost_usd")
    losses = top_right - right
    weights = resample_weights([str(place) for place in range(len(served))], count=_RESAMPLE_COUNT, seed=0)
    p50_s, p95_s = np.percentile(_column(served, "latency_s"), [50, 95])
    tiers = Counter(one.tier for one in served)
    return Served(
        request_count=len(served),
        net_loss=figure(mean_of(losses), weights),
        harm_count=int((losses > 0).sum()),
        gain_count=int((losses < 0).sum()),
        right=figure(mean_of(right), weights),
        top_right=figure(mean_of(top_right), weights),
        cost_share=figure(ratio_of(costs, top_costs), weights),
        audit_cost_share=audit_cost_usd / float(top_costs.sum()),
        tier_share={tier: count / len(served) for tier, count in sorted(tiers.items())},
        p50_ms=1e3 * float(p50_s),
        p95_ms=1e3 * float(p95_s),
        edge_auroc=_auroc(edge),
    )


def _auroc(asked: Sequence[Asked]) -> float | None:
    """How well the confidence after the answer tells right from wrong; refuted answers have 0."""
    judged = [one for one in asked if one.confidence is not None]
    if len({one.is_right for one in judged}) < 2:
        return None
    return auroc(_column(judged, "confidence"), _rights(judged))


def _rights(asked: Sequence[Asked]) -> Floats:
    return _column(asked, "is_right")


def _column(asked: Sequence[Asked], name: str) -> Floats:
    return np.array([getattr(one, name) for one in asked], dtype=np.float64)
