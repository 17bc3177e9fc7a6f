"""How many calls a tier takes at once before its answers begin to come late.

The gradient algorithm of Netflix's concurrency-limits (Gradient2Limit): the limit shrinks by how much later
the first token comes than it usually does, and grows by a small allowance otherwise. Overload that the
tier reports itself cuts it at once (multiplicative decrease). Knows no clock; use from one thread.

Unlike there, what is usual rises slowly while many calls run: else lasting overload would soon be usual.
"""

from __future__ import annotations

import math
from statistics import median

from router.resilience.settings import Adapting

# The median of so many calls is one measurement: prompts differ in length, and a single one says little.
_WINDOW_CALL_COUNT = 10
# How far a measurement moves what is usual: down, up, and up while the calls themselves may be the cause.
_DOWN, _UP, _UP_UNDER_LOAD = 0.1, 0.02, 0.001
# As in Gradient2Limit: how far one measurement moves the limit, and how far overload cuts it.
_SMOOTHING = 0.2
_CUT = 0.9


class AdaptiveLimit:
    """A limit between ``settings.min_concurrency`` and ``most``, where it begins."""

    def __init__(self, settings: Adapting, most: int) -> None:
        self._settings = settings
        self._most = most
        self._least = min(settings.min_concurrency, most)
        self._limit = float(most)
        self._window: list[float] = []
        self._most_in_flight = 0
        self._usual_s: float | None = None
        self._calls_since_cut = most

    @property
    def current(self) -> int:
        """Calls that may run at once now."""
        return max(self._least, math.floor(self._limit + 1e-9))

    def sample(self, first_token_s: float, in_flight_count: int) -> None:
        """Take in how long a call waited for its first token, with how many beside it, itself included."""
        self._calls_since_cut += 1
        self._window.append(first_token_s)
        self._most_in_flight = max(self._most_in_flight, in_flight_count)
        if len(self._window) >= _WINDOW_CALL_COUNT and self._settings.enabled:
            self._measure(median(self._window), self._most_in_flight)
            self._forget_window()

    def overloaded(self) -> None:
        """Cut the limit, once for all calls that ran when the tier said that it is full."""
        if self._settings.enabled and self._calls_since_cut >= self._limit / 2:
            self._limit = max(float(self._least), _CUT * self._limit)
            self._calls_since_cut = 0
            self._forget_window()
        self._calls_since_cut += 1

    def _measure(self, short_s: float, in_flight_count: int) -> None:
        usual_s = short_s if self._usual_s is None else self._usual_s
        is_busy = in_flight_count >= self._limit / 2
        share = _DOWN if short_s < usual_s else _UP_UNDER_LOAD if is_busy else _UP
        self._usual_s = usual_s + share * (short_s - usual_s)
        # Where few calls come, their latency says nothing about many.
        if not is_busy or short_s <= 0.0:
            return
        gradient = max(0.5, min(1.0, self._settings.tolerance * usual_s / short_s))
        wanted = gradient * self._limit + math.sqrt(self._limit)
        moved = (1.0 - _SMOOTHING) * self._limit + _SMOOTHING * wanted
        self._limit = min(float(self._most), max(float(self._least), moved))

    def _forget_window(self) -> None:
        self._window.clear()
        self._most_in_flight = 0
