"""A first decision and its grounds as a JSON object, for callers and for pages."""

from __future__ import annotations

from typing import Any

from router.events import Decided

_USD_MICROS = 1_000_000


def decision_object(decided: Decided) -> dict[str, Any]:
    """Write ``decided``; money in US dollars."""
    return {
        "policy": decided.policy,
        "tier": decided.tier,
        "reason": decided.reason,
        "estimates": [
            {
                "tier": estimate.tier,
                "quality": estimate.quality,
                "cost_usd": estimate.cost_usd_micros / _USD_MICROS,
                "exclusion_reason": estimate.exclusion_reason,
            }
            for estimate in decided.estimates
        ],
        "features": dict(decided.features),
    }
