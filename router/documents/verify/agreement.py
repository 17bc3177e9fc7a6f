"""Whether two engines that know nothing of each other read the same: the strongest evidence there is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from router.documents.element import Reading
from router.documents.parse.wording import garbled_share, plausibility
from router.documents.verify.base import Claim
from router.documents.verify.relations import relation_f1

_MOST_GARBLED = 0.02
_LEAST_SPOKEN = 0.75


class Agreement:
    """``agreement``: likeness in [0, 1] to the most alike of the other readings.

    A reading that is no writing is no witness: to differ from it says nothing.
    """

    def measure(self, claim: Claim) -> Mapping[str, float]:
        """Score a reading."""
        alike = [
            score
            for other in claim.others
            if other.engine != claim.reading.engine
            and _is_witness(other, claim)
            and (score := likeness(claim, other)) is not None
        ]
        return {"agreement": max(alike)} if alike else {}


def _is_witness(other: Reading, claim: Claim) -> bool:
    spoken = plausibility(other.text)
    native = claim.element.native
    is_native = native is not None and native.engine == other.engine
    garbled = claim.element.features.get("garbled", 0.0) if is_native else 0.0
    garbled = max(garbled, garbled_share(other.text))
    return garbled <= _MOST_GARBLED and (spoken is None or spoken >= _LEAST_SPOKEN)


def likeness(claim: Claim, other: Reading) -> float | None:
    """Likeness of the claim's reading and ``other``; None where they cannot be compared."""
    mine, theirs = claim.reading.grid, other.grid
    if mine is not None and theirs is not None:
        return relation_f1(mine, theirs)
    if (mine is None) is not (theirs is None):
        return None
    return text_likeness(claim.reading.text, other.text)


def text_likeness(first: str, second: str) -> float | None:
    """Dice's coefficient of the texts' words and pairs of letters, in [0, 1]; None where both are empty.

    Spacing and order of lines weigh little, so two layouts of the same words agree.
    """
    ours, theirs = _grams(first), _grams(second)
    total = sum(ours.values()) + sum(theirs.values())
    return 2.0 * sum((ours & theirs).values()) / total if total else None


def _grams(text: str) -> Counter[str]:
    grams: Counter[str] = Counter()
    for word in text.casefold().split():
        padded = f" {word} "
        grams.update(padded[index : index + 3] for index in range(len(padded) - 2))
    return grams
