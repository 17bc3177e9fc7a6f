"""A random mix of tiers: the baseline that any decision must beat at equal cost."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from policies.answers import settle
from policies.base import State, Stop, Try, Verdict
from policies.conversation import kept
from policies.joint import Joint
from policies.reasons import Reason

Weight = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]


class MixOptions(BaseModel):
    """How often each tier is drawn."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    weights: dict[str, Weight] = Field(
        min_length=1, description="Relative share of requests by tier; tiers not named get none."
    )


class Mix:
    """Draws a tier by weight from those that can be tried, and accepts what it says."""

    Options = MixOptions

    def __init__(self, options: MixOptions, joint: Joint | None = None) -> None:
        del joint  # nothing is learnt here
        self.options = options

    def decide(self, state: State) -> Verdict:
        """Try the tier that ``state.draw`` falls on, then accept what was answered.

        A conversation draws once, and keeps what it drew.
        """
        if state.answered:
            return settle(state, Reason.ANSWERED)
        if (verdict := kept(state)) is not None:
            return verdict
        weights = self.options.weights
        drawable = [candidate.tier for candidate in state.candidates if candidate.tier in weights]
        if not drawable:
            return Stop(Reason.NO_TIER_LEFT)
        left = state.draw * sum(weights[tier] for tier in drawable)
        for tier in drawable:
            left -= weights[tier]
            if left < 0.0:
                return Try(tier, Reason.MIX)
        return Try(drawable[-1], Reason.MIX)
