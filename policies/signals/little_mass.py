"""How much of an answer was computed coarsely: what a tier saved on may be what the answer lacks."""

from __future__ import annotations

import math
from collections.abc import Mapping

from policies.signals.base import Answer


class LittleMass:
    """``little_mass_mean`` and ``little_mass_max`` over the tokens, in [0, 1].

    Of a token, the share of its experts' gates that experts of few bits stood in for (see
    :class:`backends.types.TokenLogprob`).
    """

    name = "little_mass"
    cost_us = 10.0
    refutes = False

    def measure(self, answer: Answer) -> Mapping[str, float]:
        """Nothing where the tier does not tell: most compute all alike."""
        masses = [token.little_mass for token in answer.tokens if token.little_mass is not None]
        masses = [min(1.0, max(0.0, mass)) for mass in masses if not math.isnan(mass)]
        if not masses:
            return {}
        return {"little_mass_mean": math.fsum(masses) / len(masses), "little_mass_max": max(masses)}
