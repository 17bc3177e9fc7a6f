"""An arm at run time: a tier that is asked several times, as a tier of its own.

Decides what n answers may take together. Its samples go through the door of the tier that they ask.
"""

from __future__ import annotations

from policies.arms import Arm
from router.tiers import Tier


class ArmTier(Tier):
    """``inner`` asked ``count`` times; token counts of its rungs are those of all samples together."""

    def __init__(self, inner: Tier, arm: Arm) -> None:
        super().__init__(arm.name, inner.kind, inner.backend, inner.price, inner.limits)
        self.inner = inner
        self.count = arm.samples
        self.temperature = arm.temperature

    def output_token_limit(self, requested: int | None, input_token_count: int) -> int:
        """Most tokens that all samples together may write; ``requested`` is the limit of one."""
        return self.count * self.inner.output_token_limit(requested, input_token_count // self.count)
