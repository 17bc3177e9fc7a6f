"""Right where the answer is a reference answer, read as strictly as is asked."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from typing import Any

from policies.signals.final_answer import READ_CHAR_COUNT, FinalAnswer, find_final_answer, same_answer
from router.collect.cases import Case
from router.collect.errors import CollectError
from router.collect.graders.json_value import parsed, same_value

_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")
_WORD = re.compile(r"[\w+%-]+(?:[.,]\d+)*")


def is_exact(text: str, reference: str) -> bool:
    """Whether both are the same, white space around them apart."""
    return text.strip() == reference.strip()


def is_alike(text: str, reference: str) -> bool:
    """Whether both have the same words and numbers in the same order; case and punctuation do not count."""
    words = words_of(reference)
    return words_of(text) == words if words else is_exact(text, reference)


def is_same_number(text: str, reference: str) -> bool:
    """Whether the number that the text comes down to, else its last one, is the reference to six digits."""
    wanted, found = _number(reference), _number(text)
    return wanted is not None and found is not None and same_answer(found, wanted)


def is_same_conclusion(text: str, reference: str) -> bool:
    """Whether both come down to the same; where the reference comes down to nothing, see :func:`is_alike`."""
    wanted, found = find_final_answer(reference), find_final_answer(text)
    if wanted is None:
        return is_alike(text, reference)
    return (found is not None and same_answer(found, wanted)) or is_alike(text, reference)


_MODES: dict[str, Callable[[str, str], bool]] = {
    "exact": is_exact,
    "normalised": is_alike,
    "numeric": is_same_number,
    "final": is_same_conclusion,
}


class Reference:
    """``reference:exact``, ``:normalised``, ``:numeric`` or ``:final`` (default: what it comes down to).

    A reference that is a JSON object or list is compared as a value, whatever the mode: white space
    and the order of keys do not count, types do.
    """

    is_proxy = False
    is_dear = False
    needs_top = False

    def __init__(self, argument: str = "", timeout_s: float = math.inf) -> None:  # noqa: ARG002
        mode = argument or "final"
        if mode not in _MODES:
            raise CollectError(f"--grader: reference:{mode} is not known; known: {', '.join(_MODES)}")
        self.name = f"reference:{mode}"
        self._is_same = _MODES[mode]
        self._wants_numbers = mode == "numeric"

    def missing(self, case: Case) -> str | None:
        """It needs a reference, and `numeric` one that is a number."""
        if not case.references:
            return "a `reference` answer"
        if self._wants_numbers and not all(_is_number(reference) for reference in case.references):
            return "a `reference` that is a number"
        return None

    async def grade(self, case: Case, text: str, top: str | None) -> float | None:  # noqa: ARG002
        """1 where one of the references is met, else 0."""
        return float(any(self._meets(text, reference) for reference in case.references))

    def _meets(self, text: str, reference: Any) -> bool:
        if isinstance(reference, dict | list):
            return same_value(parsed(text), reference)
        return self._is_same(text, reference if isinstance(reference, str) else json.dumps(reference))


def _number(text: str) -> FinalAnswer | None:
    stated = find_final_answer(text)
    if stated is not None and stated.number is not None:
        return stated
    numbers = _NUMBER.findall(text[-READ_CHAR_COUNT:])
    return find_final_answer(numbers[-1]) if numbers else None


def words_of(text: str) -> list[str]:
    """Words and numbers of a text in their order, in small letters."""
    return _WORD.findall(text.casefold())


def _is_number(reference: Any) -> bool:
    if isinstance(reference, str):
        return _number(reference) is not None
    return isinstance(reference, int | float) and not isinstance(reference, bool)
