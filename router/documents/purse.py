"""What a document may still spend: money and time."""

from __future__ import annotations

from collections.abc import Callable


class Purse:
    """Keeps one document's account; None: no limit. ``clock`` gives seconds and starts now."""

    def __init__(
        self, money_usd_micros: float | None, time_s: float | None, clock: Callable[[], float]
    ) -> None:
        self._money = money_usd_micros
        self._time_s = time_s
        self._clock = clock
        self._started_s = clock()
        self._spent = 0.0

    @property
    def is_bounded(self) -> bool:
        """Whether money is limited, so that the order of spending matters."""
        return self._money is not None

    @property
    def spent_usd_micros(self) -> float:
        """Money booked so far."""
        return self._spent

    def money_left_usd_micros(self) -> float | None:
        """Money left, not below 0; None where there is no limit."""
        return None if self._money is None else max(self._money - self._spent, 0.0)

    def elapsed_s(self) -> float:
        """Seconds since the document arrived."""
        return self._clock() - self._started_s

    def time_left_s(self) -> float | None:
        """Seconds to the deadline, 0 past it; None where there is none."""
        return None if self._time_s is None else max(self._time_s - self.elapsed_s(), 0.0)

    def affords(self, cost_usd_micros: float, seconds: float) -> bool:
        """Whether so much is left of both."""
        left_s = self.time_left_s()
        has_time = left_s is None or (left_s > 0.0 and seconds <= left_s)
        return has_time and (self._money is None or self._spent + cost_usd_micros <= self._money)

    def book(self, cost_usd_micros: float) -> None:
        """Take money out."""
        self._spent += cost_usd_micros
