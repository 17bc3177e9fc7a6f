"""How a policy shifts up, beside the question whether: what counts as cost, and what is done with drafts.

Settings alone; whoever runs tiers acts on them. Off unless asked for, or where nothing was learnt.
"""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel, Field

from policies.costs import MONEY_ALONE, Weights


@dataclass(frozen=True, slots=True)
class Escalation:
    """The settings of one policy.

    ``stop_early``: an answer that will hardly be kept is stopped while it is written, where that was
    learnt. ``reuse_draft``: the next tier is shown the rejected answer.
    """

    weights: Weights = MONEY_ALONE
    stop_early: bool = False
    reuse_draft: bool = False


class EscalationOptions(BaseModel):
    """Options of every rule that shifts up; such rules inherit them beside their own."""

    latency_usd_per_s: float = Field(
        0.0,
        ge=0.0,
        le=1e6,
        allow_inf_nan=False,
        description="What a second less of waiting is worth, in US dollars; 0: time does not count.",
    )
    energy_usd_per_kwh: float = Field(
        0.0,
        ge=0.0,
        le=1e6,
        allow_inf_nan=False,
        description="What a kilowatt-hour costs, beside the price of tokens, in US dollars; 0: it does not "
        "count. Tiers say under `energy` what they draw.",
    )
    stop_early: bool = Field(
        True,
        description="Whether an answer that will hardly be kept is stopped while it is written, where "
        "calibration has learnt to tell and stopping saves more than it risks.",
    )
    reuse_draft: bool = Field(
        False,
        description="Whether the next tier is shown the rejected answer, to verify or correct it. Prompts "
        "get longer by it, and confidence was calibrated without.",
    )

    @property
    def escalation(self) -> Escalation:
        """The settings as the router takes them."""
        weights = Weights(self.latency_usd_per_s, self.energy_usd_per_kwh)
        return Escalation(weights, self.stop_early, self.reuse_draft)
