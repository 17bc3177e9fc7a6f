"""One word for the distance between a model and its quantised copy.

The limits are those of a model that many know. Llama 3 8B, as llama.cpp's project measured it in
tools/perplexity/README.md, had a mean KL of 0.0014 nats as Q8_0, 0.0055 as Q6_K, 0.031 as Q4_K_M, 0.072 as
Q4_0, 0.10 as Q3_K_M, 0.45 as Q2_K, and the same first choice at 98 % of positions as Q8_0, 96 % as Q6_K,
92 % as Q4_K_M, 71 % as Q2_K. KL bounds what can be noticed: at temperature 1 at most sqrt(KL / 2) of the
drawn tokens differ (Pinsker's inequality), 7 % at the first limit, 16 % at the second, 35 % at the third.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from backends.llamacpp.models.quality.measures import Measures


class Verdict(StrEnum):
    """From best to worst."""

    INDISTINGUISHABLE = "indistinguishable"
    SLIGHT = "slight"
    NOTICEABLE = "noticeable"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Limit:
    """What a verdict allows: at most this divergence, at least this agreement. ``meaning`` is for people."""

    verdict: Verdict
    kl_nats: float
    agreement: float
    meaning: str


LIMITS = (
    Limit(Verdict.INDISTINGUISHABLE, 0.01, 0.95, "like Llama 3 8B in 6 bits: as good as the original"),
    Limit(Verdict.SLIGHT, 0.05, 0.90, "like Llama 3 8B as Q4_K_M: other words, seldom other answers"),
    Limit(Verdict.NOTICEABLE, 0.25, 0.75, "like Llama 3 8B in 3 to 4 bits: measure it on your own tasks"),
    Limit(Verdict.BROKEN, math.inf, 0.0, "another model: take more bits, at least for its head"),
)
"""The first that holds is the verdict."""


def judge(measures: Measures) -> Limit:
    """Judge by divergence and agreement, whichever is worse; what is not a number is broken."""
    return next(
        (
            limit
            for limit in LIMITS
            if measures.mean_kl_nats <= limit.kl_nats and measures.greedy_agreement >= limit.agreement
        ),
        LIMITS[-1],
    )
