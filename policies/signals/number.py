"""Whether an answer gives a number where one was asked for, in the unit asked for, and got from its own sums.

English questions only; where the question does not say, nothing is said either.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from backends.types import Prompt, Role
from policies.signals.base import Answer
from policies.signals.excerpt import excerpt
from policies.signals.final_answer import Kind

_ASKS_NUMBER = re.compile(
    r"\bhow (?:many|much|long|far|old|fast|tall|heavy)\b|\bwhat (?:percent|fraction|number)"
)
_ASKED_UNIT = re.compile(r"\b(?:in|how many|what) ([a-z]{2,14})\b")
_MAX_PLACE_COUNT = 64
_AFTER = re.compile(r"\s{0,2}(°[cf]?|%|[^\W\d_]{1,14})", re.IGNORECASE)
_UNITS = """
dollar $ usd; cent ¢; euro € eur; percent % percentage; degree °; celsius °c; fahrenheit °f; kelvin k
millisecond ms; second s sec; minute min; hour h hr; day; week; month; year
millimeter millimetre mm; centimeter centimetre cm; meter metre m; kilometer kilometre km
inch inche; foot feet ft; yard yd; mile mi; milligram mg; gram g; kilogram kg; pound lb; ounce oz
milliliter millilitre ml; liter litre l; gallon gal; watt w; kilowatt kw; joule j; newton n; volt v
amp ampere a; ohm Ω; pascal pa; mole mol; hertz hz; byte; bit
"""
_SPELLINGS = [names.split() for names in _UNITS.replace("\n", ";").split(";") if names.strip()]
_UNIT_OF = {spelling: spellings[0] for spellings in _SPELLINGS for spelling in spellings}


class Number:
    """Flags of 0 and 1, each only where question and conclusion let it be told.

    ``number_as_asked``: a number was asked for and the conclusion is one. ``unit_as_asked``: it carries
    the unit asked for; left out where it carries none. ``number_was_derived``: it stands behind an equals
    sign in the text.
    """

    name = "number"
    cost_us = 40.0
    refutes = False

    def measure(self, answer: Answer) -> Mapping[str, float]:
        """Hold the conclusion against the last user message and the text before it."""
        final = answer.conclusion
        if final is None:
            return {}
        question, measured = _question(answer.prompt), {}
        if final.kind is not Kind.LETTER and _asks_number(question):
            measured["number_as_asked"] = float(final.kind is Kind.NUMBER)
        if final.kind is Kind.NUMBER:
            asked, given = _asked_unit(question), _given_unit(answer.text, final.written)
            if asked is not None and given is not None:
                measured["unit_as_asked"] = float(asked == given)
            if "=" in answer.text:
                measured["number_was_derived"] = float(_is_derived(excerpt(answer.text), final.written))
        return measured


def _question(prompt: Prompt) -> str:
    asked = [message.content for message in prompt.messages if message.role is Role.USER]
    return asked[-1][-2_000:].casefold() if asked else ""


def _asks_number(question: str) -> bool:
    # Most questions have neither word, and finding a word is ten times quicker than the pattern.
    return ("how " in question or "what " in question) and _ASKS_NUMBER.search(question) is not None


def _asked_unit(question: str) -> str | None:
    return next((unit for word in _ASKED_UNIT.findall(question) if (unit := _unit(word))), None)


def _given_unit(text: str, written: str) -> str | None:
    """The unit that stands before or behind the number where it is written last; None: none that is known."""
    place = text.rfind(written)
    if place < 0:
        return None
    after = _AFTER.match(text, place + len(written))
    marks = (written[:1], text[max(0, place - 1) : place], written[-1:], "" if after is None else after[1])
    return next((unit for mark in marks if (unit := _unit(mark))), None)


def _unit(word: str) -> str | None:
    plain = word.casefold()
    return _UNIT_OF.get(plain) or _UNIT_OF.get(plain.removesuffix("s"))


def _is_derived(text: str, written: str) -> bool:
    bare = written.strip("$€£%° ")
    place = text.find(bare) if bare else -1
    for _ in range(_MAX_PLACE_COUNT):
        if place < 0:
            break
        before = text[max(0, place - 4) : place].rstrip("$€£ ")
        after = text[place + len(bare) : place + len(bare) + 2].removeprefix(".")
        if before.endswith(("=", "≈")) and not after[:1].isdigit():
            return True
        place = text.find(bare, place + 1)
    return False
