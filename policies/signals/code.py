"""Whether the code of an answer can be read by its language; nothing is ever run.

Python by its own parser, JSON by its own, other languages by their brackets. No proof against the
answer: a fragment, or a dialect, may be what was asked for.
"""

from __future__ import annotations

import ast
import json
import math
import re
import warnings
from collections.abc import Iterator, Mapping

from policies.signals.base import Answer

MAX_BLOCK_COUNT = 16
TEXT_LIMIT = 40_000
"""Characters that are read, from the beginning; a block that is cut there is left unmeasured."""
_BLOCK = re.compile(r"```([\w+#-]{0,16})[^\n]{0,80}\n(.*?)```", re.DOTALL)
_BARE_PYTHON = ("def ", "import ", "from ", "class ", "async def ", "@")
_PYTHON, _JSON = frozenset({"python", "py", "python3"}), frozenset({"json"})
_PROSE = frozenset({"text", "txt", "markdown", "md", "console", "output", "diff", "latex", "csv"})
_CLOSES = {")": "(", "]": "[", "}": "{"}
# Strings and comments of most languages, in which brackets mean nothing. What is not closed runs to the end
# of its line or of the text, so that no character is read twice.
_QUIET = re.compile(
    r'"(?:[^"\\\n]|\\.)*+(?:"|(?=\n)|\\?\Z)|\'(?:[^\'\\\n]|\\.)*+(?:\'|(?=\n)|\\?\Z)'
    r"|//[^\n]*+|#[^\n]*+|/\*.*?(?:\*/|\Z)",
    re.DOTALL,
)


class Code:
    """``code_checked_count_log``, log(1 + blocks read), always; ``code_parses_share`` in [0, 1] of them."""

    name = "code"
    cost_us = 500.0
    refutes = False

    def concerns(self, answer: Answer) -> bool:
        """Whether it has a fence, or begins as Python does."""
        return "```" in answer.text or answer.text.lstrip().startswith(_BARE_PYTHON)

    def measure(self, answer: Answer) -> Mapping[str, float]:
        """Check fenced blocks, and an answer that is nothing but Python."""
        checked = [parses(language, text) for language, text in _blocks(answer.text)]
        known = [is_read for is_read in checked if is_read is not None]
        measured = {"code_checked_count_log": math.log1p(len(known))}
        if known:
            measured["code_parses_share"] = sum(known) / len(known)
        return measured


def parses(language: str, text: str) -> bool | None:
    """Whether ``text`` can be read as what a fence calls ``language``, "" for none; None: nobody can tell."""
    name = language.casefold()
    if name in _PROSE or not text.strip() or text.lstrip().startswith(("$ ", ">>> ")):
        return None
    if name in _PYTHON:
        return _is_python(text)
    if name in _JSON:
        return _is_json(text)
    return _is_balanced(text)


def _blocks(text: str) -> Iterator[tuple[str, str]]:
    read = text[:TEXT_LIMIT]
    found = _BLOCK.findall(read) if "```" in read else []
    yield from found[:MAX_BLOCK_COUNT]
    if "```" not in read and len(text) <= TEXT_LIMIT and read.lstrip().startswith(_BARE_PYTHON):
        yield "python", read.strip()


def _is_python(text: str) -> bool | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "\d" in a string is no concern of ours
            ast.parse(text)
    except (SyntaxError, ValueError):
        return False
    except (RecursionError, MemoryError):
        return None
    return True


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _is_balanced(text: str) -> bool:
    opened: list[str] = []
    for mark in re.findall(r"[()\[\]{}]", _QUIET.sub(" ", text)):
        if mark not in _CLOSES:
            opened.append(mark)
        elif not opened or opened.pop() != _CLOSES[mark]:
            return False
    return not opened
