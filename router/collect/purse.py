"""The money of one collection: nothing is started that the rest may not pay for.

What an answer will cost is not known before it is there; the dearest of its tier so far stands for
it, so a limit can be passed by the first few answers only.
"""

from __future__ import annotations

from collections import Counter


class Purse:
    """Money in millionths of a US dollar; ``limit_usd_micros`` None: no limit."""

    def __init__(self, limit_usd_micros: int | None, spent_usd_micros: int = 0) -> None:
        self.spent_usd_micros = spent_usd_micros
        self.is_exhausted = False
        self._limit = limit_usd_micros
        self._dearest: dict[str, int] = {}
        self._running: Counter[str] = Counter()

    def take(self, tier: str) -> bool:
        """Set aside what an answer of ``tier`` may cost; False where there is not so much left."""
        if self._limit is not None:
            aside = sum(count * self._dearest.get(name, 0) for name, count in self._running.items())
            if self.spent_usd_micros + aside + self._dearest.get(tier, 1) > self._limit:
                self.is_exhausted = True
                return False
        self._running[tier] += 1
        return True

    def settle(self, tier: str, cost_usd_micros: int) -> None:
        """Pay for what was set aside for."""
        self._running[tier] -= 1
        self.spent_usd_micros += cost_usd_micros
        self._dearest[tier] = max(self._dearest.get(tier, 0), cost_usd_micros)
