"""Every sum that an answer writes out, done again.

Reads chains of plain numbers such as "38 * 0.03 = 1.14", rounding and percent signs allowed for.
What it cannot read for certain (variables, units, brackets) it leaves alone: a sum that is called
wrong should be wrong. No proof against the answer all the same, since a slip may not matter.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence

from policies.signals.base import Answer
from policies.signals.excerpt import excerpt

MAX_SUM_COUNT = 64
"""Sums that are checked, the first ones."""

_NUMBER = r"[$€£]?\d{1,15}(?:,\d{3}){0,4}(?:\.\d{1,15})?%?"
# Possessive and bounded: no text can make this take more than a fixed number of steps a character.
_SUM = re.compile(
    rf"({_NUMBER}(?: {{0,2}}(?:[-+*/^×÷·−–]|x(?= ?\d)) {{0,2}}{_NUMBER}){{1,8}}+) {{0,2}}([=≈]) {{0,2}}"
    rf"(-?{_NUMBER})(?! {{0,2}}[-+*/^×÷·−–(\\{{] {{0,2}}[\w(\\]|[\w.,]?\w|\^)"
)
_PART = re.compile(rf"{_NUMBER}|[-+*/^×÷·−–x]")
# Before a sum: what would make its first number part of something larger.
_BOUND_BEFORE = frozenset("+-*/^×÷·−–)]}_\\%")
_SPELLINGS = (
    ("\\times", "*"),
    ("\\cdot", "*"),
    ("\\div", "/"),
    ("\\approx", "≈"),
    ("\\$", "$"),
    ("\\%", "%"),
    ("**", "^"),
)
_SAME = {"×": "*", "·": "*", "x": "*", "÷": "/", "−": "-", "–": "-"}
_LEVELS: tuple[dict[str, Callable[[float, float], float]], ...] = (
    {"^": math.pow},
    {"*": operator.mul, "/": operator.truediv},
    {"+": operator.add, "-": operator.sub},
)


class Arithmetic:
    """``sum_count_log`` always: log(1 + sums found).

    ``sum_right_share`` in [0, 1] and ``last_sum_right`` where there is a sum to check.
    """

    name = "arithmetic"
    cost_us = 20.0
    refutes = False

    def measure(self, answer: Answer) -> Mapping[str, float]:
        """Check the sums of the first and last pages of the answer."""
        checked = check_sums(answer.text) if "=" in answer.text or "≈" in answer.text else ()
        measured = {"sum_count_log": math.log1p(len(checked))}
        if checked:
            measured["sum_right_share"] = sum(checked) / len(checked)
            measured["last_sum_right"] = float(checked[-1])
        return measured


def check_sums(text: str) -> tuple[bool, ...]:
    """Say of each sum that is written out in ``text``, in order, whether it is right."""
    read = excerpt(text)
    for written, plain in _SPELLINGS:
        if written in read:
            read = read.replace(written, plain)
    found = []
    for match in _SUM.finditer(read):
        if _is_part_of_more(read[max(0, match.start() - 3) : match.start()]):
            continue
        value = _value([_SAME.get(part, part) for part in _PART.findall(match[1])])
        if value is not None:
            found.append(_is_right(value, match[3], is_rough=match[2] == "≈"))
        if len(found) == MAX_SUM_COUNT:
            break
    return tuple(found)


def _is_part_of_more(before: str) -> bool:
    """Whether what stands before a sum goes on in it."""
    is_joined = before[-1:].isalnum() or before[-1:] in {".", ","}
    return is_joined or before.rstrip(" ")[-1:] in _BOUND_BEFORE


def _value(parts: Sequence[str]) -> float | None:
    """Reckon "a op b op c", powers before products before sums, each from the left; None if undefined."""
    values = [_number(part) for part in parts[::2]]
    operators = list(parts[1::2])
    try:
        for level in _LEVELS:
            place = 0
            while place < len(operators):
                if operators[place] in level:
                    reckon = level[operators.pop(place)]
                    values[place : place + 2] = [reckon(values[place], values[place + 1])]
                else:
                    place += 1
    except (ArithmeticError, ValueError):
        return None
    return values[0] if math.isfinite(values[0]) else None


def _is_right(value: float, claimed: str, *, is_rough: bool) -> bool:
    """Compare with what was claimed, to half of its last digit; "≈" grants one percent."""
    bare = claimed.rstrip("%")
    digits = len(bare.partition(".")[2])
    slack = 0.5000001 * 10.0**-digits + 1e-13 * abs(value)
    if is_rough:
        slack += 0.01 * abs(value)
    plain = _number(bare)
    readings = [value] if bare == claimed else [value, 100.0 * value]
    # "15 * 20 % = 3": a bare percentage may stand for itself or for a share.
    return any(abs(reading - plain) <= slack for reading in readings)


def _number(written: str) -> float:
    plain = written.replace(",", "").replace("$", "").replace("€", "").replace("£", "")
    return float(plain[:-1]) / 100.0 if plain.endswith("%") else float(plain)
