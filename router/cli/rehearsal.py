"""A configuration with a stand-in for every model: what would be decided, without loading any.

Everything that a decision rests on stays: names, prices, limits, policies, what was learnt. Only
tokens of prompts are then counted as words.
"""

from __future__ import annotations

from backends.echo import EchoOptions
from backends.registry import backend_class
from router.config import Config, TierConfig


def rehearsal(config: Config) -> Config:
    """Replace every backend by a scripted one that claims what it can say without being started."""
    tiers = tuple(_stand_in(tier) for tier in config.tiers)
    return config.model_copy(update={"tiers": tiers})


def _stand_in(tier: TierConfig) -> TierConfig:
    capabilities = backend_class(tier.backend)(tier.options).capabilities
    options = EchoOptions(
        model=capabilities.model,
        external=capabilities.external,
        context_token_count=capabilities.context_token_count or EchoOptions().context_token_count,
    )
    return tier.model_copy(update={"backend": "echo", "options": options})
