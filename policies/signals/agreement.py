"""Whether two answers to one prompt say the same: the best sign of a right one that there is.

Compares what answers come down to, and failing that their words and numbers. Knows nothing of who
gave them; two tiers or two samples of one are compared alike.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from policies.signals.excerpt import excerpt
from policies.signals.final_answer import FinalAnswer, find_final_answer, same_answer

_WORD = re.compile(r"\w+")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class Reading:
    """All that is compared of an answer; make one by :func:`read` and compare it many times."""

    final: FinalAnswer | None
    words: frozenset[str]
    numbers: frozenset[str]
    final_words: frozenset[str]


def read(text: str) -> Reading:
    """Read an answer's text once; 0.1 ms for 200 tokens, bounded for any text."""
    seen = excerpt(text).casefold()
    final = find_final_answer(text)
    words = frozenset(_WORD.findall(seen))
    numbers = frozenset(_NUMBER.findall(seen))
    return Reading(final, words, numbers, frozenset(_WORD.findall(final.value)) if final else frozenset())


def agreement(first: Reading, second: Reading) -> Mapping[str, float]:
    """Measures in [0, 1] of how far two answers agree; symmetric.

    ``agreement_final``: 1 where both come down to the same, 0 where not; left out where either
    comes to no conclusion. ``agreement_final_words``, ``agreement_words`` and
    ``agreement_numbers``: Jaccard index of the words of the conclusions, of all words, of all
    numbers; ``agreement_words`` is always there.
    """
    measured = {"agreement_words": _jaccard(first.words, second.words)}
    if first.numbers or second.numbers:
        measured["agreement_numbers"] = _jaccard(first.numbers, second.numbers)
    if first.final is not None and second.final is not None:
        is_same = same_answer(first.final, second.final)
        measured["agreement_final"] = float(is_same)
        measured["agreement_final_words"] = (
            1.0 if is_same else _jaccard(first.final_words, second.final_words)
        )
    return measured


def sample_agreement(answer: Reading, samples: Sequence[Reading]) -> Mapping[str, float]:
    """How far further ``samples`` of the same tier bear out ``answer``; nothing without any.

    ``sample_agreement_share``: share of the samples that come down to the same as the answer;
    ``sample_majority_share``: share of the largest group among all of them, the answer included;
    ``sample_answer_is_majority``: whether the answer is in such a group. A text without conclusion
    agrees with none. ``sample_count`` is their number.
    """
    if not samples:
        return {}
    named = groups([answer, *samples])
    own = named[0]
    sizes = [named.count(group) if group is not None else 1 for group in named]
    supporters = sizes[0] - 1
    return {
        "sample_agreement_share": supporters / len(samples),
        "sample_majority_share": max(sizes) / len(named),
        "sample_answer_is_majority": float(own is not None and sizes[0] == max(sizes)),
        "sample_count": float(len(samples)),
    }


def groups(readings: Sequence[Reading]) -> list[int | None]:
    """Give each reading the place of the first one that says the same; None without conclusion."""
    named: list[int | None] = []
    for reading in readings:
        if reading.final is None:
            named.append(None)
            continue
        for place, earlier in enumerate(readings[: len(named)]):
            if earlier.final is not None and same_answer(earlier.final, reading.final):
                named.append(named[place])
                break
        else:
            named.append(len(named))
    return named


def _jaccard(first: frozenset[str], second: frozenset[str]) -> float:
    """Size of the intersection over size of the union; 1 where both are empty."""
    shared = len(first & second)
    union = len(first) + len(second) - shared
    return shared / union if union else 1.0
