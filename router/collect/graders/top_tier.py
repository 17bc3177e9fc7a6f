"""Right where the answer says what the top tier says: a proxy, for traffic that nobody has graded."""

from __future__ import annotations

import math

from policies.signals.agreement import read
from policies.signals.same import is_same
from router.collect.cases import Case
from router.collect.graders.registry import refuse_argument


class TopTier:
    """``top_tier``: no answer of a cheaper tier can be better than the top's, only the same or wrong.

    So losses come out larger than they are, and gains never show: a certificate on such grades bounds
    disagreement with the top tier.
    """

    name = "top_tier"
    is_proxy = True
    is_dear = False
    needs_top = True

    def __init__(self, argument: str = "", timeout_s: float = math.inf) -> None:  # noqa: ARG002
        refuse_argument(self.name, argument)

    def missing(self, case: Case) -> str | None:  # noqa: ARG002
        """It needs nothing but the top tier's answer."""
        return None

    async def grade(self, case: Case, text: str, top: str | None) -> float | None:  # noqa: ARG002
        """1 where both are one answer, 0 where not; None without the top tier's."""
        return None if top is None else float(text == top or is_same(read(text), read(top)))
