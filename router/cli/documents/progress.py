"""How far the documents are, on standard error: a bar on a terminal, and a line for each document."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from router.documents.events import ElementSettled, Event, Finished, PageDone, Planned, Spent
from router.documents.outcome import Verdict
from router.documents.parse.kind import Kind

_MICROS = 1_000_000


class Watch:
    """Listens to the pipeline. Use it within ``with``."""

    def __init__(
        self, console: Console, file_count: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._console = console
        self._clock = clock
        self._began_s = 0.0
        self._name = ""
        self._page_count = 0
        self._verdicts: Counter[Verdict] = Counter()
        self._was_told: set[str] = set()
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(compact=True),
            console=console,
            disable=not console.is_terminal,
        )
        self._files = self._progress.add_task("files", total=file_count, visible=file_count > 1)
        self._pages = self._progress.add_task("pages", total=None)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def begins(self, path: Path) -> None:
        """A document begins."""
        self._began_s = self._clock()
        self._name = path.name
        self._page_count = 0
        self._verdicts.clear()
        self._progress.reset(self._pages, description=path.name, total=None)

    def hear(self, event: Event) -> None:
        """Something happened to it in this process."""
        if isinstance(event, Planned):
            self.plans(event.page_count, event.kind, event.missing)
        elif isinstance(event, ElementSettled):
            self.settles(event.outcome.verdict)
        elif isinstance(event, PageDone):
            self.turns()
        elif isinstance(event, Finished):
            self.ends(event.spent, event.cost_usd_micros)

    def plans(self, page_count: int, kind: str, missing: Sequence[str]) -> None:
        """It is understood."""
        self._page_count = page_count
        self._progress.update(self._pages, total=page_count)
        self._tell_missing(kind, missing)

    def settles(self, verdict: Verdict) -> None:
        """An element is done."""
        self._verdicts[verdict] += 1

    def turns(self) -> None:
        """A page is done."""
        self._progress.advance(self._pages)

    def ends(self, spent: Sequence[Spent], cost_usd_micros: float) -> None:
        """It is done; say what it took, by engine and tier."""
        self._progress.advance(self._files)
        doubtful = self._verdicts[Verdict.UNVERIFIED]
        total, pages = sum(self._verdicts.values()), self._page_count
        engines = "  ".join(
            f"{one.engine} {one.standing_count}/{one.reading_count} ${one.cost_usd_micros / _MICROS:.6f}"
            for one in spent
        )
        self._console.print(
            f"{self._name}: {pages} page{'s' * (pages != 1)}, {total} elements, {doubtful} unverified, "
            f"${cost_usd_micros / _MICROS:.6f}, {self._clock() - self._began_s:.1f} s\n"
            f"  {engines}",
            soft_wrap=True,
            markup=False,
        )

    def _tell_missing(self, kind: str, missing: Sequence[str]) -> None:
        """Say once what is not installed, where the document has pages to look at."""
        for said in missing if kind in (Kind.PDF, Kind.IMAGE) else ():
            if said not in self._was_told:
                self._console.print(said, style="dim", markup=False, soft_wrap=True)
            self._was_told.add(said)

    def refused(self, path: Path) -> None:
        """A document was refused."""
        del path
        self._progress.advance(self._files)
