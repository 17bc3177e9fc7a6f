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
_MOST_FORMULA_CHARACTERS = 5_000


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
    r"""``formula_holds``: 1 where a LaTeX formula can be set, 0 where it cannot.

    It cannot where braces, environments or ``\left`` and ``\right`` do not pair, where a command lacks what
    it acts on, or a letter has two exponents. Commands that are not known count as known.
    """

    def measure(self, claim: Claim) -> Mapping[str, float]:
        """Score a reading."""
        text = claim.reading.text
        is_latex = claim.element.label is Label.FORMULA and "\\" in text
        if not is_latex or len(text) > _MOST_FORMULA_CHARACTERS:
            return {}
        return {"formula_holds": float(_braces_close(text) and _environments_close(text) and _renders(text))}


def _renders(text: str) -> bool:
    """Whether it becomes MathML; True where what would make it so is missing or breaks down itself."""
    try:
        from latex2mathml import exceptions
        from latex2mathml.converter import convert
    except ImportError:
        return True
    wrong = tuple(
        kind for kind in vars(exceptions).values() if isinstance(kind, type) and issubclass(kind, Exception)
    )
    try:
        convert(text)
    except wrong:
        return False
    except Exception:  # noqa: BLE001  a formula that another program cannot read is not thereby wrong
        return True
    return True


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
