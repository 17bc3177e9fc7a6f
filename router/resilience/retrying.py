"""How long to wait before a call is made again: full jitter, and what the tier itself asks for.

Full jitter spreads those that failed together best (Brooker, "Exponential Backoff And Jitter", 2015).
"""

from __future__ import annotations

from collections.abc import Callable

from backends.errors import BackendError, Unavailable
from router.resilience.refusals import CircuitOpen, TurnedAway
from router.resilience.settings import Retrying


def is_transient(error: BackendError) -> bool:
    """Whether the same call may succeed a moment later.

    One that our own door turned away is not repeated, but where the tier only rests.
    """
    if isinstance(error, TurnedAway):
        return error.why == "resting"
    return isinstance(error, Unavailable) and not isinstance(error, CircuitOpen)


def wait_s(
    settings: Retrying, retry_number: int, retry_after_s: float | None, chance: Callable[[], float]
) -> float | None:
    """Seconds to wait before the ``retry_number``-th further call, from 1; None: it is not made.

    ``chance`` gives numbers in [0, 1). What the tier asks for is never cut short; the jitter comes on top.
    """
    asked_s = retry_after_s or 0.0
    if retry_number > settings.max_count or asked_s > settings.max_retry_after_s:
        return None
    most_s = min(settings.max_wait_s, settings.base_wait_s * 2.0 ** min(retry_number - 1, 32))
    return asked_s + chance() * most_s
