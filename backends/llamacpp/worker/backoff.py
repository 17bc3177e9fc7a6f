"""How long to wait before a worker that died is started again.

The first time not at all; then longer and longer, by chance, so that several do not come back in step.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable

_FIRST_DELAY_S = 0.5
_LAST_DELAY_S = 10.0
_STABLE_S = 60.0


class Backoff:
    """Counts deaths in a row; who has lived for a minute starts anew."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, chance: Callable[[], float] = random.random
    ) -> None:
        self._clock = clock
        self._chance = chance
        self._death_count = 0
        self._started_s = clock()

    def started(self) -> None:
        """Note that a worker begins to live."""
        self._started_s = self._clock()

    def delay_s(self) -> float:
        """Count a death; return the seconds to wait: 0, then up to 0.5, 1, 2, … 10, at least half of it."""
        if self._clock() - self._started_s >= _STABLE_S:
            self._death_count = 0
        self._death_count += 1
        if self._death_count == 1:
            return 0.0
        # Small exponents only: 2.0 to the number of deaths of a bad week is no float.
        longest_s = min(_LAST_DELAY_S, _FIRST_DELAY_S * 2.0 ** min(self._death_count - 2, 10))
        return longest_s * (1.0 + self._chance()) / 2.0
