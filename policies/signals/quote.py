"""Whether what an answer quotes stands in what it was given.

Only spans of several words count: a quoted name or term proves nothing. No proof against the answer,
for it may quote itself or the world; what share is found is for confidence to weigh.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from policies.signals.base import Answer
from policies.signals.excerpt import excerpt

MAX_SPAN_COUNT = 32
"""Spans that are looked up, the first ones."""
SOURCE_LIMIT = 200_000
"""Characters of a prompt that is searched; of a longer one nothing is said. 10 ms."""
_MIN_WORD_COUNT = 3
_SPAN = re.compile(
    r"\"([^\"\n]{12,400})\"|“([^”\n]{12,400})”|«([^»\n]{12,400})»|^> ?([^\n]{12,400})", re.MULTILINE
)
_ELLIPSIS = re.compile(r"\[?(?:\.{3}|…)\]?")
_WORD = re.compile(r"\w+")


class Quote:
    """``quote_count_log``, log(1 + spans), always; where there is one, ``quote_found_share`` in [0, 1].

    A span is found where its words follow each other in a message of the prompt, whatever stands
    between them; the parts around an ellipsis are looked up each for itself.
    """

    name = "quote"
    cost_us = 60.0
    refutes = False

    def measure(self, answer: Answer) -> Mapping[str, float]:
        """Look up what the first and last pages of the answer quote."""
        spans = quoted_spans(answer.text)
        measured = {"quote_count_log": math.log1p(len(spans))}
        if spans and len(answer.prompt.text) <= SOURCE_LIMIT:
            source = _plain(answer.prompt.text)
            measured["quote_found_share"] = sum(_is_found(span, source) for span in spans) / len(spans)
        return measured


def quoted_spans(text: str) -> list[str]:
    """Spans of three words and more in quotation marks or quoted lines, in order."""
    read = excerpt(text)
    if not any(mark in read for mark in ('"', "“", "«", "> ")):
        return []
    found = (next(filter(None, groups), "") for groups in _SPAN.findall(read))
    return [span for span in found if len(_WORD.findall(span)) >= _MIN_WORD_COUNT][:MAX_SPAN_COUNT]


def _is_found(span: str, source: str) -> bool:
    parts = [_plain(part) for part in _ELLIPSIS.split(span)]
    return all(part in source for part in parts)


def _plain(text: str) -> str:
    """Words alone, in small letters, one space around each; so no word is found within another."""
    return f" {' '.join(_WORD.findall(text.casefold()))} "
