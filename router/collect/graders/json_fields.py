"""As good as the share of fields that are right: for extraction, where half an answer is worth half."""

from __future__ import annotations

import math

from router.collect.cases import Case
from router.collect.graders.json_value import parsed, same_value
from router.collect.graders.registry import refuse_argument


class JsonFields:
    """``json_fields``: right fields over all fields of answer and reference together.

    A field that is missing, wrong or made up counts against it; an answer that is no JSON object gets 0.
    """

    name = "json_fields"
    is_proxy = False
    is_dear = False
    needs_top = False

    def __init__(self, argument: str = "", timeout_s: float = math.inf) -> None:  # noqa: ARG002
        refuse_argument(self.name, argument)

    def missing(self, case: Case) -> str | None:
        """It needs a reference that is an object with fields."""
        is_usable = case.references and all(isinstance(one, dict) and one for one in case.references)
        return None if is_usable else "a `reference` that is a JSON object"

    async def grade(self, case: Case, text: str, top: str | None) -> float | None:  # noqa: ARG002
        """Grade against the reference that it meets best."""
        answer = parsed(text)
        if not isinstance(answer, dict):
            return 0.0
        return max(_share(answer, reference) for reference in case.references)


def _share(answer: dict[str, object], reference: dict[str, object]) -> float:
    right = sum(name in answer and same_value(answer[name], value) for name, value in reference.items())
    return right / len(answer.keys() | reference.keys())
