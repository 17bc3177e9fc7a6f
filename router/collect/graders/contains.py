"""Right where the answer holds a reference answer, word for word."""

from __future__ import annotations

import json
import math

from router.collect.cases import Case
from router.collect.graders.reference import words_of
from router.collect.graders.registry import refuse_argument


class Contains:
    """``contains``: case and punctuation do not count; the words must stand together."""

    name = "contains"
    is_proxy = False
    is_dear = False
    needs_top = False

    def __init__(self, argument: str = "", timeout_s: float = math.inf) -> None:  # noqa: ARG002
        refuse_argument(self.name, argument)

    def missing(self, case: Case) -> str | None:
        """It needs a reference of which something is left when punctuation goes."""
        wanted = [reference for reference in case.references if words_of(_text(reference))]
        return None if wanted else "a `reference` of words or numbers"

    async def grade(self, case: Case, text: str, top: str | None) -> float | None:  # noqa: ARG002
        """1 where one of the references is found, else 0."""
        held = f" {' '.join(words_of(text))} "
        wanted = (words_of(_text(reference)) for reference in case.references)
        return float(any(f" {' '.join(words)} " in held for words in wanted if words))


def _text(reference: object) -> str:
    return reference if isinstance(reference, str) else json.dumps(reference)
