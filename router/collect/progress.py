"""How far a collection is, on standard error: bars with time and money on a terminal, lines in a log."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from router.collect.answers import Answer, Failure, Slot

_LINE_EVERY_S = 30.0


class Reporter:
    """Watches a collection. Use it within ``with``; ``totals`` and ``done`` are answers by tier.

    ``clock`` gives seconds; lines come at most every half minute, and one at the end.
    """

    def __init__(
        self,
        totals: Mapping[str, int],
        done: Mapping[str, int],
        spent_usd_micros: int,
        console: Console,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._totals = dict(totals)
        self._done = Counter(done)
        self._first_done = Counter(done)
        self._failed: Counter[str] = Counter()
        self._spent_usd_micros = spent_usd_micros
        self._console = console
        self._clock = clock
        self._started_s = self._said_s = clock()
        self._bars: dict[str, TaskID] = {}
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(compact=True),
            TextColumn("{task.fields[note]}"),
            console=console,
            disable=not console.is_terminal,
        )

    def __enter__(self) -> Self:
        """Show what is done already."""
        self._progress.start()
        for tier, total in self._totals.items():
            self._bars[tier] = self._progress.add_task(
                tier, total=total, completed=self._done[tier], note=self._note(tier)
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()
        if not self._console.is_terminal:
            self._say()

    def ended(self, slot: Slot, what: Answer | Failure) -> None:
        """Count one answer or failure."""
        if isinstance(what, Answer):
            self._done[slot.tier] += 1
            self._spent_usd_micros += what.cost_usd_micros
        else:
            self._failed[slot.tier] += 1
        if self._console.is_terminal:
            self._progress.update(
                self._bars[slot.tier], completed=self._done[slot.tier], note=self._note(slot.tier)
            )
        elif self._clock() - self._said_s >= _LINE_EVERY_S:
            self._say()

    def _note(self, tier: str) -> str:
        failed = f"  {self._failed[tier]} failed" if self._failed[tier] else ""
        return f"${self._spent_usd_micros / 1e6:.4f} in all{failed}"

    def _say(self) -> None:
        self._said_s = self._clock()
        parts = [
            f"{tier} {self._done[tier]:,} of {total:,}{self._trouble(tier)}"
            for tier, total in self._totals.items()
        ]
        left_s = self._left_s()
        eta = "" if left_s is None else f"; about {_spoken(left_s)} left"
        self._console.print(
            f"collected {', '.join(parts)}; ${self._spent_usd_micros / 1e6:.4f}{eta}",
            highlight=False,
            soft_wrap=True,
        )

    def _trouble(self, tier: str) -> str:
        return f" ({self._failed[tier]} failed)" if self._failed[tier] else ""

    def _left_s(self) -> float | None:
        """Seconds until the slowest tier is through at its pace so far; None: nothing to go by."""
        passed_s = self._clock() - self._started_s
        paces = {tier: self._done[tier] - self._first_done[tier] for tier in self._totals}
        waits = [
            passed_s * (total - self._done[tier]) / paces[tier]
            for tier, total in self._totals.items()
            if total > self._done[tier] and paces[tier]
        ]
        return max(waits, default=None)


def _spoken(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
