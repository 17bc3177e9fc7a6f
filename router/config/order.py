"""The order of tiers: from the cheapest to the dearest, wherever no ladder gives another."""

from __future__ import annotations

from router.config.model import Config, TierConfig


def by_price(config: Config) -> tuple[str, ...]:
    """Names of all tiers, cheapest first, by the price of output and then of input."""

    def price(tier: TierConfig) -> tuple[float, float]:
        return tier.price.output_usd_per_million_tokens, tier.price.input_usd_per_million_tokens

    return tuple(tier.name for tier in sorted(config.tiers, key=price))
