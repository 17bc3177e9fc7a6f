"""Forgets what is too old while a journal runs, a piece at a time between batches.

Decides when to look and how much to forget at once. Belongs to the writer's thread.
"""

from __future__ import annotations

from collections.abc import Callable

from router.journal.retention import Retention
from router.journal.store import Store

_INTERVAL_S = 600.0
# Measured: 500 records of 2 KB are forgotten in 35 ms, and a score that waits for the disk waits as long.
_COUNT = 500
# An idle journal looks at the clock so often, and one that has more to forget goes on so soon.
_IDLE_WAIT_S, _BACKLOG_WAIT_S = 5.0, 0.02


class Pruner:
    """Looks after ``retention``, which any thread may replace; ``clock`` gives seconds since 1970."""

    def __init__(self, retention: Retention, clock: Callable[[], float]) -> None:
        self.retention = retention
        self._clock = clock
        self._looked_s: float | None = None
        self._has_more = False
        self._must_fold = False

    @property
    def wait_s(self) -> float | None:
        """How long the writer may wait for an entry before it comes back here; None: for ever."""
        if not self.retention.is_limited:
            return None
        return _BACKLOG_WAIT_S if self._has_more else _IDLE_WAIT_S

    def work(self, store: Store) -> None:
        """Forget a piece where it is time to. Raises sqlite3.Error; the next try comes with the next look."""
        now_s = self._clock()
        if not self.retention.is_limited or not (self._has_more or self._is_due(now_s)):
            return
        self._looked_s, self._has_more = now_s, False
        pruned = store.prune(self.retention, now_s, _COUNT)
        self._has_more = max(pruned.prompt_count, pruned.record_count) >= _COUNT
        self._must_fold = self._must_fold or not pruned.is_nothing
        if self._must_fold and not self._has_more:
            self._must_fold = not store.fold()

    def _is_due(self, now_s: float) -> bool:
        """Whether it is time; a clock that was set back counts as time."""
        return self._looked_s is None or not self._looked_s <= now_s < self._looked_s + _INTERVAL_S
