"""What always asking one tier would have cost, which a request's own cost is compared with."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from backends.types import Usage
from router.events import AttemptReport, Decided, Outcome


def alone_usd_micros(
    tier: str,
    decided: Decided | None,
    attempts: Sequence[AttemptReport],
    price: Callable[[Usage], int | None] = lambda _: None,
) -> float:
    """What ``tier`` alone would have cost, in millionths of a US dollar.

    Its own answer's cost where it gave one, else what was predicted of it, else its ``price`` for the tokens
    of the last attempt; 0 where nobody knows that.
    """
    for report in attempts:
        if report.tier == tier and report.outcome is not Outcome.FAILED:
            return report.answer_cost_usd_micros
    for estimate in () if decided is None else decided.estimates:
        if estimate.tier == tier:
            return estimate.cost_usd_micros
    return float((price(attempts[-1].usage) if attempts else None) or 0)
