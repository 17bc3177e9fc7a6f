"""What a request may still spend: money, attempts, and time.

Decides how much of each is left, and how much time an attempt gets. Refuses to know what it is
spent on. Money is held in whole millionths of a US dollar; time is read from an injected clock.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

# Time kept for handing over an earlier answer when the last attempt runs out of time. Measured:
# rejecting, deciding and sending take under 2 ms; the rest is for a busy loop.
_HANDOVER_S = 0.05


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a request was given; None means no limit."""

    cost_usd_micros: int | None = None
    attempt_count: int | None = None
    time_s: float | None = None


class Budget:
    """Keeps the account of one request; its clock starts when it is made."""

    def __init__(self, allowance: Allowance, clock: Callable[[], float]) -> None:
        self._allowance = allowance
        self._clock = clock
        self._started_s = clock()
        self._booked_usd_micros: dict[int, int] = {}
        self.attempt_count = 0
        self.spent_usd_micros = 0
        """Money booked for all attempts so far."""

    def elapsed_s(self) -> float:
        """Seconds since the request arrived."""
        return self._clock() - self._started_s

    def time_left_s(self) -> float | None:
        """Seconds to the deadline, negative past it; None where there is none."""
        limit_s = self._allowance.time_s
        return None if limit_s is None else limit_s - self.elapsed_s()

    def money_left_usd_micros(self) -> int | None:
        """Money left; None where there is no limit."""
        limit = self._allowance.cost_usd_micros
        return None if limit is None else limit - self.spent_usd_micros

    def has_time(self) -> bool:
        """Whether the deadline is still ahead."""
        left_s = self.time_left_s()
        return left_s is None or left_s > 0

    def has_attempts(self) -> bool:
        """Whether one more attempt may be made."""
        left = self.attempts_left()
        return left is None or left > 0

    def attempts_left(self) -> int | None:
        """Attempts that may still begin; None where there is no limit."""
        limit = self._allowance.attempt_count
        return None if limit is None else limit - self.attempt_count

    def begin_attempt(self) -> int:
        """Count an attempt and return its number, from 1."""
        self.attempt_count += 1
        return self.attempt_count

    def charge(self, attempt_number: int, cost_usd_micros: int) -> None:
        """Book what an attempt has cost so far, in place of what was booked for it before."""
        self.spent_usd_micros += cost_usd_micros - self._booked_usd_micros.get(attempt_number, 0)
        self._booked_usd_micros[attempt_number] = cost_usd_micros

    def attempt_timeout_s(self, limit_s: float, *, keep_back_s: float, has_fallback: bool) -> float:
        """Seconds that the next attempt may take.

        ``limit_s`` is the tier's own limit. ``keep_back_s`` is kept for one escalation, but never
        more than half of what is left; with a fallback in hand, a little is kept to deliver it.
        """
        left_s = self.time_left_s()
        if left_s is None:
            return limit_s
        handover_s = _HANDOVER_S if has_fallback else 0.0
        return max(0.0, min(limit_s, left_s - min(max(keep_back_s, handover_s), left_s / 2)))
