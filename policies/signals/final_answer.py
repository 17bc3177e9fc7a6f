"""What an answer comes down to: the letter, number, value or phrase that it ends on.

Decides where the conclusion of a text stands and when two conclusions are the same. Refuses to
know whether either is right. Reads the last 4,000 characters in time linear in them.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

READ_CHAR_COUNT = 4_000
_JSON_CHAR_COUNT = 20_000
_SHORT_CHAR_COUNT = 80
_VALUE_CHAR_COUNT = 200

_STATED = ("answer", "solution", "result", "option", "choice", "output", "####")
_LINK = re.compile(
    r"\w{0,2}(?: is| are| was| would be| should be| must be)?(?: therefore| thus| then| option| choice)?"
    r"[ *]{0,3}[:=]?[ *]{0,3}",
    re.IGNORECASE,
)
_LETTER = re.compile(r"[\s*_$\"'(\[{]{0,4}(?:\\text\{)?([A-J])(?=[)\]}.:,;*_$\"']|\s*$|\s*\n)")
_NUMBER = re.compile(r"[-+−]?[$€£]?\d(?:[\d,]{0,20}\d)?(?:\.\d{1,20})?(?:[eE][-+]?\d{1,3})?")
_UNIT = r"(?:\s{0,2}[^\W\d_](?:[^\W\d_/.²³ $]|[/.²³ $]|\^\d){0,14})?"
_NUMBER_ALONE = re.compile(rf"[\s$€£≈~(\[]{{0,4}}({_NUMBER.pattern})\s{{0,2}}([%°]?){_UNIT}[\s.)$\]]{{0,4}}$")
_FRACTION = re.compile(r"^\\?[dt]?frac\{(-?\d{1,9})\}\{(\d{1,9})\}$|^(-?\d{1,9})/(\d{1,9})$")
_SENTENCE_END = re.compile(r"[.!?;](?:\s|$)|\n")
_FENCE = re.compile(r"```[\w+-]{0,12}\n(.*?)(?:```|$)", re.DOTALL)
_ANSWER_KEYS = ("answer", "final_answer", "result", "output", "label", "choice")
_EDGES = " \t\r\n*_`\"'.,;:$"
_PUNCTUATION = re.compile(r"[^\w\s.+\-/%]|(?<!\d)\.|\.(?!\d)")
_ARTICLES = frozenset({"a", "an", "the"})


class Kind(StrEnum):
    """What a conclusion looks like."""

    LETTER = "letter"
    NUMBER = "number"
    TEXT = "text"
    CODE = "code"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class FinalAnswer:
    """A conclusion: ``value`` is normalised, ``number`` set where it can be read as one.

    ``is_stated``: the text says that this is its answer; False where it was taken from the place
    where answers tend to stand. ``written`` is how the text has it.
    """

    kind: Kind
    value: str
    number: float | None = None
    is_stated: bool = True
    written: str = field(default="", compare=False)


def find_final_answer(text: str) -> FinalAnswer | None:
    r"""Find what ``text`` comes down to; None where it comes to no conclusion that can be seen.

    In order: JSON (its ``answer``, or all of it), ``\boxed{}``, the last "answer is" or "####", a
    text so short that it is the answer, the last fenced code, a letter or number in the last line.
    """
    stripped = text.strip()
    if not stripped:
        return None
    tail = stripped[-READ_CHAR_COUNT:]
    return (
        _from_json(stripped)
        or _from_box(tail)
        or _from_statement(tail)
        or _from_short(stripped)
        or _from_code(tail)
        or _from_last_line(tail)
    )


def same_answer(first: FinalAnswer, second: FinalAnswer) -> bool:
    """Whether two conclusions are one: equal numbers to six digits, or equal normalised text."""
    if first.number is not None and second.number is not None:
        return math.isclose(first.number, second.number, rel_tol=1e-6, abs_tol=1e-12)
    return first.value == second.value


def _from_json(text: str) -> FinalAnswer | None:
    if len(text) > _JSON_CHAR_COUNT or not text.endswith(("}", "]", "```")):
        return None
    body = text
    if text.endswith("```"):
        opened = text.find("```json")
        body = text[opened + 7 : -3].strip() if opened >= 0 else ""
    if not body.startswith(("{", "[")):
        return None
    try:
        value = json.loads(body, strict=False)
    except (ValueError, RecursionError):
        return None
    return _of_json(value, body)


def _of_json(value: Any, body: str) -> FinalAnswer:
    if isinstance(value, dict):
        for key in _ANSWER_KEYS:
            if key in value:
                inner = value[key]
                return _read(inner) if isinstance(inner, str) else _read(json.dumps(inner))
    # Everything was asked for: the whole value is the answer.
    return FinalAnswer(Kind.JSON, json.dumps(value, sort_keys=True, separators=(",", ":")), written=body)


def _from_box(tail: str) -> FinalAnswer | None:
    start = tail.rfind("\\boxed{")
    if start < 0:
        return None
    depth, begin = 1, start + 7
    for place in range(begin, min(len(tail), begin + _VALUE_CHAR_COUNT)):
        depth += {"{": 1, "}": -1}.get(tail[place], 0)
        if depth == 0:
            return _read(tail[begin:place])
    return None


def _from_statement(tail: str) -> FinalAnswer | None:
    """Read what follows the last statement that is followed by anything."""
    for begin, end in _statements(tail):
        rest = tail[end : end + _VALUE_CHAR_COUNT]
        letter = _LETTER.match(rest)
        if letter:
            return FinalAnswer(Kind.LETTER, letter[1], written=letter[1])
        is_marked = tail[begin:end].rstrip(" *").endswith(("is", "are", "was", "be", ":", "=", "#"))
        phrase = _SENTENCE_END.split(rest.lstrip(), maxsplit=1)[0]
        if is_marked and any(map(str.isalnum, phrase)):
            return _read(phrase)
    return None


def _statements(tail: str) -> list[tuple[int, int]]:
    """Begin and end of the last few "the answer is", last first; by search, ten times a pattern's speed."""
    lowered = tail.lower()
    if len(lowered) != len(tail):  # some capitals have longer small letters
        lowered = tail
    found = []
    for word in _STATED:
        place = len(lowered)
        for _ in range(4):
            place = lowered.rfind(word, 0, place)
            if place < 0:
                break
            link = _LINK.match(tail, place + len(word))
            found.append((place, link.end() if link else place + len(word)))
    return sorted(found, reverse=True)


def _from_short(text: str) -> FinalAnswer | None:
    if len(text) > _SHORT_CHAR_COUNT or "\n" in text:
        return None
    letter = _LETTER.match(text)
    return FinalAnswer(Kind.LETTER, letter[1], written=letter[1]) if letter else _read(text)


def _from_code(tail: str) -> FinalAnswer | None:
    if "```" not in tail:
        return None
    blocks = _FENCE.findall(tail)
    return FinalAnswer(Kind.CODE, " ".join(blocks[-1].split()), written=blocks[-1]) if blocks else None


def _from_last_line(tail: str) -> FinalAnswer | None:
    """Take the last number, or the last letter in parentheses, of the last line."""
    line = tail[tail.rfind("\n") + 1 :][-_VALUE_CHAR_COUNT:]
    letters = re.findall(r"\(([A-J])\)", line)
    if letters:
        return FinalAnswer(Kind.LETTER, letters[-1], is_stated=False, written=letters[-1])
    numbers = _NUMBER.findall(line)
    return _numeric(numbers[-1], is_stated=False) if numbers else None


def _read(phrase: str) -> FinalAnswer:
    """Tell what a phrase is; it is taken to be nothing but the answer."""
    bare = phrase[:_VALUE_CHAR_COUNT].strip().strip("*`")
    unwrapped = bare.removeprefix("\\(").removesuffix("\\)").removeprefix("\\text{").strip(_EDGES)
    if len(unwrapped) == 1 and unwrapped in "ABCDEFGHIJ":
        return FinalAnswer(Kind.LETTER, unwrapped, written=unwrapped)
    fraction = _FRACTION.match(unwrapped)
    if fraction:
        above, below = [float(part) for part in fraction.groups() if part is not None]
        return FinalAnswer(Kind.NUMBER, unwrapped, above / below if below else None, written=unwrapped)
    number = _NUMBER_ALONE.match(unwrapped)
    if number:
        return _numeric(number[1] + number[2])
    return FinalAnswer(Kind.TEXT, _normalised(bare), written=bare)


def _numeric(written: str, *, is_stated: bool = True) -> FinalAnswer:
    plain = written.replace(",", "").replace("−", "-").strip("$€£+%° ")
    number = float(plain.replace("$", "").replace("€", "").replace("£", ""))
    finite = number if math.isfinite(number) else None
    return FinalAnswer(Kind.NUMBER, f"{number:.9g}", finite, is_stated, written)


def _normalised(phrase: str) -> str:
    """Lower case without articles, quotes and punctuation; the phrase as it is where nothing is left."""
    words = _PUNCTUATION.sub(" ", phrase.casefold()).split()
    return " ".join(word for word in words if word not in _ARTICLES) or phrase.strip("'\" ")
