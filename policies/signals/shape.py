"""The outward shape of an answer: how long it is, whether it was cut, whether there is one."""

from __future__ import annotations

import math
from collections.abc import Mapping

from backends.types import FinishReason
from policies.signals.base import Answer


class Shape:
    """Logarithms of lengths, and flags."""

    name = "shape"
    cost_us = 5.0
    refutes = False

    def measure(self, answer: Answer) -> Mapping[str, float]:
        """Measure any answer. ``_log`` values are log(1 + count), flags 0 or 1."""
        return {
            "answer_char_count_log": math.log1p(len(answer.text)),
            "answer_word_count_log": math.log1p(len(answer.text.split())),
            "reasoning_char_count_log": math.log1p(len(answer.reasoning)),
            "cut_by_limit": float(answer.finish_reason is FinishReason.LENGTH),
            "empty": float(not answer.text.strip()),
        }
