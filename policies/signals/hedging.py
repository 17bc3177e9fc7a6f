"""How an answer doubts itself: hedges, changes of mind, and excuses for not answering.

English words only; in other languages the counts stay 0, which a model fitted on such answers
learns to ignore.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from policies.signals.base import Answer
from policies.signals.excerpt import excerpt

_HEDGES = (
    " may ",
    " might ",
    " could be",
    " perhaps",
    "probabl",
    " likely",
    " seems",
    " appears",
    " assum",
    "approximat",
    " roughly",
    " closest",
    " i think",
    " i believe",
    " not sure",
    " unclear",
    "ambiguous",
    " possibl",
)
_SECOND_THOUGHTS = (
    " however",
    "wait",
    "actually",
    " instead",
    " mistake",
    " error",
    " incorrect",
    "let me re",
    "let's re",
    " correction",
    " alternatively",
    " doesn't match",
    " does not match",
    " do not match",
    " none of the",
)
_REFUSALS = (
    " cannot ",
    " can't ",
    " unable to",
    " not possible",
    " impossible to",
    " not provided",
    " not given",
    " not enough",
    " insufficient",
    " sorry",
    " i don't know",
    " more information",
    " not listed",
    " no option",
)


class Hedging:
    """``hedge_count_log``, ``second_thought_count_log``, ``refusal_count_log``: log(1 + count)."""

    name = "hedging"
    cost_us = 20.0
    refutes = False

    def measure(self, answer: Answer) -> Mapping[str, float]:
        """Count in the first and last pages of the answer."""
        text = excerpt(answer.text).casefold().replace("\n", " ").replace("’", "'")
        return {
            "hedge_count_log": _count(text, _HEDGES),
            "second_thought_count_log": _count(text, _SECOND_THOUGHTS),
            "refusal_count_log": _count(text, _REFUSALS),
        }


def _count(text: str, phrases: tuple[str, ...]) -> float:
    return math.log1p(sum(map(text.count, phrases)))
