"""Right where the answer has the form asked for; what it says is not looked at.

Both judge by the validators that serve, so what they pass is what serving passes.
"""

from __future__ import annotations

import math

from backends.types import JsonSchemaFormat, Prompt, RegexFormat
from policies.signals.base import Answer
from policies.signals.validators import JsonSchemaValid, RegexValid
from router.collect.cases import Case
from router.collect.graders.registry import refuse_argument


class Schema:
    """``json_schema``: the answer is JSON under the prompt's own schema."""

    name = "json_schema"
    is_proxy = False
    is_dear = False
    needs_top = False

    def __init__(self, argument: str = "", timeout_s: float = math.inf) -> None:  # noqa: ARG002
        refuse_argument(self.name, argument)

    def missing(self, case: Case) -> str | None:
        """It needs a schema."""
        has_schema = isinstance(case.prompt.response_format, JsonSchemaFormat)
        return None if has_schema else "a `json_schema`"

    async def grade(self, case: Case, text: str, top: str | None) -> float | None:  # noqa: ARG002
        """1 or 0; None where the schema cannot be applied to it in time."""
        return JsonSchemaValid().measure(Answer(case.prompt, text)).get("json_schema_valid")


class Pattern:
    """``regex`` or ``regex:PATTERN``: the pattern, else the prompt's own, matches the whole answer."""

    is_proxy = False
    is_dear = False
    needs_top = False

    def __init__(self, argument: str = "", timeout_s: float = math.inf) -> None:  # noqa: ARG002
        self.name = f"regex:{argument}" if argument else "regex"
        self._pattern = argument or None

    def missing(self, case: Case) -> str | None:
        """It needs a pattern of Python's `re` that can be applied."""
        form = self._form(case)
        if form is None:
            return "a `pattern`, or a `regex` that the answer was asked to match"
        is_usable = bool(RegexValid().measure(Answer(Prompt((), response_format=form), "")))
        return None if is_usable else "a `pattern` that Python's re can apply"

    async def grade(self, case: Case, text: str, top: str | None) -> float | None:  # noqa: ARG002
        """1 or 0; None where the pattern would take too long on this answer."""
        prompt = Prompt(case.prompt.messages, response_format=self._form(case))
        return RegexValid().measure(Answer(prompt, text.strip())).get("regex_valid")

    def _form(self, case: Case) -> RegexFormat | None:
        pattern = self._pattern or case.pattern
        if pattern is not None:
            return RegexFormat(pattern)
        asked = case.prompt.response_format
        return asked if isinstance(asked, RegexFormat) else None
