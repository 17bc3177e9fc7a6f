"""What can be seen of a prompt without any model: counts, shares and marks, in microseconds.

Decides which numbers describe a prompt and in which order. Refuses to know what they mean for a
tier: estimators learn that. Reads at most the first and last 16,000 characters, so that a long
document costs no more than a long letter.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping
from hashlib import blake2b

from backends.types import JsonSchemaFormat, Prompt, RegexFormat, Role

FEATURES_VERSION = 1
"""Raise when a feature changes name, order or meaning: what was fitted on the old ones is void."""

_READ_LIMIT = 32_000
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
_ASCII_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?")  # the same on lower-case ASCII
_ASCII_WORD_CHARACTERS = "".join(c if c.islower() or c == "'" else " " for c in map(chr, range(128)))
_NUMBER = re.compile(r"[0-9]+(?:[.,][0-9]+)*")
_OPTION = re.compile(r"^\s*\(?[A-J][.):]\s", re.MULTILINE)
_LIST_LINE = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s", re.MULTILINE)
_DATE = re.compile(r"[0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{1,4}")
_OPERATORS = "+-*/=<>^%×÷"
_CODE_MARKS = ("```", "def ", "class ", "return ", "import ", "();", "{\n", "=>", "==", "</", "SELECT ")
_WORDS = {
    "negation_count": "not no never none neither nor without except cannot don't doesn't isn't",
    "condition_count": "if unless then else when whenever only otherwise until",
    "quantifier_count": "all each every any some most total sum average both many how",
    "comparison_count": "more less most least than largest smallest highest lowest before after",
    "reasoning_count": "why explain prove show step steps derive compare analyse analyze justify because",
    "writing_count": "write draft summarise summarize translate rewrite compose essay story poem",
    "arithmetic_count": "plus minus times divided multiply multiplied add subtract product percent",
    "relation_count": "who whose whom mother father sister brother manager reports of",
    "order_count": "sort order ordered ascending descending rank reverse alphabetical first last",
    "json_word_count": "json object array schema key keys field fields",
}
# The counts that a word adds to, by word.
_COUNTED = {
    word: tuple(name for name, words in _WORDS.items() if word in words.split())
    for word in " ".join(_WORDS.values()).split()
}


def features_of(prompt: Prompt) -> dict[str, float]:
    """Describe ``prompt``: names in a fixed order, finite values of about 0 to 15.

    Counts are log(1 + count), ``_share`` are in [0, 1], ``_asked`` are 0 or 1.
    """
    text = prompt.text
    read = text if len(text) <= _READ_LIMIT else text[: _READ_LIMIT // 2] + text[-_READ_LIMIT // 2 :]
    words = _words(read)
    return {
        **_size(text, words),
        **_numbers(read),
        **_marks(read),
        **_word_counts(words),
        **_request(prompt),
    }


def features_hash(features: Mapping[str, float]) -> str:
    """16 hexadecimal digits that name these values under this FEATURES_VERSION, on any machine."""
    digest = blake2b(f"v{FEATURES_VERSION}".encode(), digest_size=8)
    for name, value in features.items():
        digest.update(f"\n{name}={value:.9g}".encode())
    return digest.hexdigest()


def _words(text: str) -> list[str]:
    lowered = text.lower()
    if not lowered.isascii():
        return _WORD.findall(lowered)
    # Blanks for all that is in no word, and a split: three times as fast as the pattern over the whole.
    pieces = lowered.translate(_ASCII_WORD_CHARACTERS).split()
    if "'" not in lowered:
        return pieces
    return [word for piece in pieces for word in (_ASCII_WORD.findall(piece) if "'" in piece else (piece,))]


def _log(count: float) -> float:
    return math.log1p(count)


def _size(text: str, words: list[str]) -> dict[str, float]:
    word_count = max(len(words), 1)
    lengths = list(map(len, words))
    return {
        "char_count": _log(len(text)),
        "word_count": _log(len(words)),
        "line_count": _log(text.count("\n")),
        "word_length_mean": sum(lengths) / word_count,
        "long_word_share": sum(map((8).__lt__, lengths)) / word_count,
        "distinct_word_share": len(set(words)) / word_count,
    }


def _numbers(text: str) -> dict[str, float]:
    numbers = _NUMBER.findall(text)
    lengths = list(map(len, numbers))
    return {
        "digit_share": sum(lengths) / max(len(text), 1),
        "number_count": _log(len(numbers)),
        "number_length_max": _log(max(lengths, default=0)),
        "number_length_mean": _log(sum(lengths) / max(len(numbers), 1)),
        "date_count": _log(len(_DATE.findall(text))) if numbers else 0.0,
    }


def _marks(text: str) -> dict[str, float]:
    count = text.count
    return {
        "operator_count": _log(sum(map(count, _OPERATORS))),
        "code_mark_count": _log(sum(map(count, _CODE_MARKS))),
        "question_mark_count": _log(count("?")),
        "comma_count": _log(count(",")),
        "colon_count": _log(count(":") + count(";")),
        "bar_count": _log(count("|") + count("\t")),
        "quote_count": _log(count('"') + count("'")),
        "possessive_count": _log(count("'s ") + count("’s ")),
        "bracket_count": _log(count("(") + count("[") + count("{")),
        "option_count": _log(len(_OPTION.findall(text))),
        "list_line_count": _log(len(_LIST_LINE.findall(text))),
        "non_ascii_share": 0.0 if text.isascii() else sum(ord(c) > 127 for c in text) / len(text),
    }


def _word_counts(words: list[str]) -> dict[str, float]:
    counts, totals = Counter(words), dict.fromkeys(_WORDS, 0)
    for word in counts.keys() & _COUNTED.keys():
        for name in _COUNTED[word]:
            totals[name] += counts[word]
    return {name: _log(total) for name, total in totals.items()}


def _request(prompt: Prompt) -> dict[str, float]:
    contents = {role: [m.content for m in prompt.messages if m.role is role] for role in Role}
    return {
        "turn_count": _log(len(prompt.messages)),
        "assistant_turn_count": _log(len(contents[Role.ASSISTANT])),
        "system_char_count": _log(sum(map(len, contents[Role.SYSTEM]))),
        "last_user_char_count": _log(len(contents[Role.USER][-1]) if contents[Role.USER] else 0),
        "json_schema_asked": float(isinstance(prompt.response_format, JsonSchemaFormat)),
        "regex_asked": float(isinstance(prompt.response_format, RegexFormat)),
    }
