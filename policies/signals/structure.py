"""How an answer is laid out, and whether it was brought to an end."""

from __future__ import annotations

import math
from collections.abc import Mapping

from policies.signals.base import Answer
from policies.signals.excerpt import excerpt

_ENDS = (".", "!", "?", ")", "]", "}", '"', "'", "`", "|", "*", "$", ">", "。")
_LIST_MARKS = ("\n- ", "\n* ", "\n• ", "\n1.", "\n2.", "\n3.", "\n4.", "\n5.", "\n6.")
_LETTERS = tuple(f"({letter})" for letter in "ABCDEFGHIJ")


class Structure:
    """Counts as log(1 + count), shares in [0, 1], flags 0 or 1.

    ``ends_cleanly`` is 0 where the text breaks off in mid-sentence, 1 too for an answer of one
    line; ``bracket_imbalance_log`` counts brackets and fences that were never closed.
    ``option_mention_count_log``: different options named in the manner of "(C)".
    """

    name = "structure"
    cost_us = 20.0
    refutes = False

    def measure(self, answer: Answer) -> Mapping[str, float]:
        """Measure the first and last pages of the answer."""
        text = excerpt(answer.text)
        count = text.count
        stripped = text.rstrip()
        opened = abs(count("(") - count(")")) + abs(count("[") - count("]")) + abs(count("{") - count("}"))
        length = max(len(text), 1)
        return {
            "line_count_log": math.log1p(count("\n")),
            "list_line_count_log": _total(text, _LIST_MARKS),
            "sentence_count_log": math.log1p(count(". ") + count(".\n") + count("? ") + count("! ")),
            "code_fence_count_log": math.log1p(count("```")),
            "formula_mark_count_log": math.log1p(count("$") + count("\\")),
            "equality_count_log": math.log1p(count("=") + count("≈")),
            "digit_share": sum(map(count, "0123456789")) / length,
            "option_mention_count_log": math.log1p(sum(letter in text for letter in _LETTERS)),
            "bracket_imbalance_log": math.log1p(opened + count("```") % 2),
            "ends_cleanly": float(stripped.endswith(_ENDS) or ("\n" not in stripped and len(stripped) < 80)),
        }


def _total(text: str, marks: tuple[str, ...]) -> float:
    return math.log1p(sum(map(text.count, marks)))
