"""How long to wait for a tier's first token before it is asked a second time.

As long as most calls of late had to wait for theirs (Dean and Barroso, "The Tail at Scale", 2013). Refuses
to know whether the second call is paid for.
"""

from __future__ import annotations

from collections import deque

from router.resilience.settings import Hedging

# The latest calls that count; sorting so many takes some 10 us.
_REMEMBERED_CALL_COUNT = 128


class HedgeDelay:
    """Learns from calls how long a first token takes. Use from one thread."""

    def __init__(self, settings: Hedging) -> None:
        self._settings = settings
        self._first_token_s: deque[float] = deque(maxlen=_REMEMBERED_CALL_COUNT)

    def add(self, first_token_s: float) -> None:
        """Take in a call's time to its first token; of one that was given up, how long it had none."""
        self._first_token_s.append(first_token_s)

    def delay_s(self) -> float | None:
        """Seconds after which a call counts as slow; None: too few were measured to say."""
        count = len(self._first_token_s)
        if count < self._settings.min_call_count:
            return None
        return sorted(self._first_token_s)[min(int(self._settings.quantile * count), count - 1)]
