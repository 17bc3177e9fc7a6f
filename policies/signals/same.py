"""How far two answers are one; where they are, neither can be better than the other, whoever grades them."""

from __future__ import annotations

from policies.signals.agreement import Reading, agreement


def sameness(first: Reading, second: Reading) -> float:
    """How far two answers agree, in [0, 1]; symmetric.

    1 or 0 where both come to a conclusion, which is the same or not; else the share of their words
    and numbers that both have.
    """
    measured = agreement(first, second)
    words = measured["agreement_words"]
    return measured.get("agreement_final", 0.5 * (words + measured.get("agreement_numbers", words)))


def is_same(first: Reading, second: Reading) -> bool:
    """Whether both come down to the same, or, without a conclusion, have the same words and numbers."""
    measured = agreement(first, second)
    alike = (measured["agreement_words"], measured.get("agreement_numbers", 1.0))
    return measured.get("agreement_final", float(alike == (1.0, 1.0))) == 1.0
