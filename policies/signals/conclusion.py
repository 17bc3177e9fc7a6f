"""Whether an answer comes to a conclusion, of what kind, and what in the text bears it out.

Where the prompt lists options and the answer picks one by its letter, the option's own words and
numbers should occur in the reasoning, more so than those of the options not picked.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from backends.types import Prompt, Role
from policies.signals.base import Answer
from policies.signals.excerpt import excerpt
from policies.signals.final_answer import FinalAnswer, Kind

_OPTION = re.compile(r"^[ \t]{0,4}\(?([A-J])[.):][ \t]{1,4}(.{1,400})", re.MULTILINE)
_TOKEN = re.compile(r"\d+(?:\.\d+)?|[^\W\d_]{3,}")


class Conclusion:
    """``conclusion_found`` always; the rest where there is one.

    ``conclusion_stated``, ``conclusion_letter``, ``conclusion_number``: 0 or 1.
    ``conclusion_number_in_prompt``: 1 where the number was merely read off the prompt.
    ``option_place``: 0 for the first option; ``option_unknown``: 1 where no such option was given.
    ``option_support``: share of the option's words and numbers found in the answer, in [0, 1];
    ``option_support_margin``: that less the best of the other options, in [-1, 1].
    """

    name = "conclusion"
    cost_us = 45.0
    refutes = False

    def measure(self, answer: Answer) -> Mapping[str, float]:
        """Measure any answer, the prompt's last user message beside it."""
        final = answer.conclusion
        if final is None:
            return {"conclusion_found": 0.0}
        question = _question(answer.prompt)
        measured = {
            "conclusion_found": 1.0,
            "conclusion_stated": float(final.is_stated),
            "conclusion_letter": float(final.kind is Kind.LETTER),
            "conclusion_number": float(final.kind is Kind.NUMBER),
            "conclusion_char_count_log": math.log1p(len(final.value)),
        }
        if final.kind is Kind.NUMBER:
            measured["conclusion_number_in_prompt"] = float(final.value in question)
        if final.kind is Kind.LETTER:
            measured |= _options(question, answer.text, final)
        return measured


def _question(prompt: Prompt) -> str:
    asked = [message.content for message in prompt.messages if message.role is Role.USER]
    return excerpt(asked[-1]) if asked else ""


def _options(question: str, text: str, final: FinalAnswer) -> Mapping[str, float]:
    """Compare the option picked with the others; nothing where the prompt lists none."""
    # The last list counts: examples may come before the question.
    options = dict(_OPTION.findall(question)[-10:])
    if len(options) < 2:
        return {}
    place = {"option_place": float(ord(final.value) - ord("A"))}
    if final.value not in options:
        return {**place, "option_unknown": 1.0}
    said = frozenset(_TOKEN.findall(excerpt(text).casefold()))
    support = {letter: _support(option, said) for letter, option in options.items()}
    own = support.pop(final.value)
    return {
        **place,
        "option_unknown": 0.0,
        "option_support": own,
        "option_support_margin": own - max(support.values()),
    }


def _support(option: str, said: frozenset[str]) -> float:
    tokens = set(_TOKEN.findall(option.casefold()))
    return len(tokens & said) / len(tokens) if tokens else 0.0
