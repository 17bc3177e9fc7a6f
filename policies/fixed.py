"""One named tier answers everything: the baseline at either end of the ladder.

Refuses to know quality and confidence; what the tier says is accepted.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from policies.answers import settle
from policies.base import Candidate, State, Stop, Try, Verdict
from policies.joint import Joint
from policies.reasons import Reason


class FixedOptions(BaseModel):
    """Which tier answers."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    tier: str = Field(min_length=1, description="The tier that answers every request.")
    fall_back: bool = Field(False, description="Whether the next tier up stands in when it cannot answer.")


class Fixed:
    """Always the same tier."""

    Options = FixedOptions

    def __init__(self, options: FixedOptions, joint: Joint | None = None) -> None:
        del joint  # nothing is learnt here
        self.options = options

    def decide(self, state: State) -> Verdict:
        """Try the named tier, then accept what was answered."""
        if state.answered:
            return settle(state, Reason.ANSWERED)
        if any(candidate.tier == self.options.tier for candidate in state.candidates):
            return Try(self.options.tier, Reason.FIXED)
        above = self._above(state) if self.options.fall_back else ()
        return Try(above[0].tier, Reason.FALL_BACK) if above else Stop(Reason.NO_TIER_LEFT)

    def _above(self, state: State) -> tuple[Candidate, ...]:
        """Candidates dearer than the named tier; all of them where the ladder was not told."""
        if self.options.tier not in state.ladder:
            return state.candidates
        higher = set(state.ladder[state.ladder.index(self.options.tier) + 1 :])
        return tuple(candidate for candidate in state.candidates if candidate.tier in higher)
