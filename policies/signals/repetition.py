"""How much an answer repeats: a model that runs in circles has lost its thread."""

from __future__ import annotations

from collections.abc import Mapping

from policies.signals.base import Answer
from policies.signals.excerpt import excerpt

_MIN_WORD_COUNT = 8


class Repetition:
    """``repeated_word_share`` and ``repeated_trigram_share``: in [0, 1], 0 where nothing comes twice.

    ``prompt_word_share``: share of the answer's different words that the prompt has too.
    """

    name = "repetition"
    cost_us = 30.0
    refutes = False

    def measure(self, answer: Answer) -> Mapping[str, float]:
        """Nothing for answers of fewer than eight words; the first and last pages of longer ones."""
        words = excerpt(answer.text).casefold().split()
        if len(words) < _MIN_WORD_COUNT:
            return {}
        trigrams = set(zip(words, words[1:], words[2:], strict=False))
        different = set(words)
        asked = set(excerpt(answer.prompt.text).casefold().split())
        return {
            "repeated_word_share": 1.0 - len(different) / len(words),
            "repeated_trigram_share": 1.0 - len(trigrams) / (len(words) - 2),
            "prompt_word_share": len(different & asked) / len(different),
        }
