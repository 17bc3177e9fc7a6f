"""In which order signals are measured, and which of them wait until their result can matter.

Validators come first, for their proof settles all else; then what is cheap. A signal that costs next to
nothing is always measured: there is more to learn from it later than to save now.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import cast

from policies.signals.base import Answer, Selective, Signal, failed_validation

ALWAYS_US = 120.0
"""Declared cost up to which a signal is measured whatever its result could change: asking a policy what
it would do takes as long."""


def in_order(signals: Iterable[Signal]) -> tuple[Signal, ...]:
    """Validators first, then by declared cost."""
    return tuple(sorted(signals, key=lambda signal: (not signal.refutes, signal.cost_us, signal.name)))


def measure_while(
    signals: Sequence[Signal], answer: Answer, is_worth: Callable[[Signal], bool]
) -> dict[str, float]:
    """Collect what ``signals``, in their order, say of ``answer``.

    ``is_worth`` is asked of the costly ones only, where they concern the answer, and of none once a
    validator has refuted it.
    """
    measured: dict[str, float] = {}
    for signal in signals:
        if _is_costly(signal, answer) and (failed_validation(measured) or not is_worth(signal)):
            continue
        measured.update(signal.measure(answer))
    return measured


def _is_costly(signal: Signal, answer: Answer) -> bool:
    if signal.cost_us <= ALWAYS_US:
        return False
    return not _is_selective(type(signal)) or cast("Selective", signal).concerns(answer)


@cache
def _is_selective(kind: type) -> bool:
    # Kept by class: asking a protocol takes longer than most signals.
    return issubclass(kind, Selective)
