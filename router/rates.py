"""What a tier is configured to take, before any of it was measured."""

from __future__ import annotations

from policies.costs import Rates
from router.config import TierConfig


def rates_of(tier: TierConfig) -> Rates:
    """Rates by prices, typical latency and energy as the configuration names them."""
    price, energy = tier.price, tier.energy
    return Rates(
        price.input_usd_micros_per_million,
        price.output_usd_micros_per_million,
        first_token_s=tier.limits.typical_latency_s,
        watts=energy.watts,
        joules_per_token=energy.joules_per_token,
    )
