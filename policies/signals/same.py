"""Whether two answers are one: then neither can be better than the other, whoever grades them."""

from __future__ import annotations

from policies.signals.agreement import Reading, agreement


def is_same(first: Reading, second: Reading) -> bool:
    """Whether both come down to the same, or, without a conclusion, have the same words and numbers."""
    measured = agreement(first, second)
    alike = (measured["agreement_words"], measured.get("agreement_numbers", 1.0))
    return measured.get("agreement_final", float(alike == (1.0, 1.0))) == 1.0
