"""Code that parses and formulas that hold together."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping

from router.documents.element import Label
from router.documents.verify.base import Claim

_ENVIRONMENT = re.compile(r"\\(begin|end)\{([^}]*)\}")
_MOST_CHARACTERS = 100_000


class CodeParses:
    """``code_parses``: 1 where code that says it is Python or JSON parses, 0 where it does not."""

    def measure(self, claim: Claim) -> Mapping[str, float]:
        """Score a reading."""
        language = claim.element.marker.split(" ")[0].lower()
        text = claim.reading.text
        if claim.element.label is not Label.CODE or len(text) > _MOST_CHARACTERS:
            return {}
        try:
            if language in ("python", "py"):
                ast.parse(text)
            elif language == "json":
                json.loads(text)
            else:
                return {}
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return {"code_parses": 0.0}
        return {"code_parses": 1.0}


class FormulaHolds:
    """``formula_holds``: 1 where brackets and environments of a LaTeX formula close, 0 where they do not."""

    def measure(self, claim: Claim) -> Mapping[str, float]:
        """Score a reading."""
        text = claim.reading.text
        if claim.element.label is not Label.FORMULA or "\\" not in text:
            return {}
        return {"formula_holds": float(_braces_close(text) and _environments_close(text))}


def _braces_close(text: str) -> bool:
    """Braces alone must pair: brackets and parentheses may stand single, as in half-open intervals."""
    depth, is_escaped = 0, False
    for character in text:
        if not is_escaped:
            depth += (character == "{") - (character == "}")
        if depth < 0:
            return False
        is_escaped = character == "\\" and not is_escaped
    return depth == 0


def _environments_close(text: str) -> bool:
    opened: list[str] = []
    for kind, name in _ENVIRONMENT.findall(text):
        if kind == "begin":
            opened.append(name)
        elif not opened or opened.pop() != name:
            return False
    return not opened
