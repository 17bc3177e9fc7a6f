"""The loop over a document: plan, route, run, verify, escalate, merge.

Pages are settled side by side within a window, and told in order. Holds the document's budget and deadline,
its journal and its cancellation; what happens to one element is ``climb``'s.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from router.documents.checks import check
from router.documents.climb import Climb, House
from router.documents.codec import OUTCOME, PAGE
from router.documents.element import Element, Page
from router.documents.engines.base import Engine, Subject
from router.documents.events import (
    ElementRead,
    ElementSettled,
    Event,
    Finished,
    PageDone,
    Planned,
)
from router.documents.limits import Limits
from router.documents.merge import merged, spending
from router.documents.outcome import Document, Outcome, SettledPage, Verdict, slim
from router.documents.parse.kind import Kind
from router.documents.purse import Purse
from router.documents.route.group import Group, group_of
from router.documents.route.routes import Routes
from router.documents.split import examine, pages_of
from router.documents.steps import NoSteps, StepKey, Steps
from router.documents.verify.confidence import Confidence
from router.documents.verify.registry import Verifiers
from router.documents.workers import Workers


@dataclass(frozen=True, slots=True)
class Job:
    """A document to process. Money in millionths of a US dollar, time in seconds; None: no limit."""

    path: Path
    name: str = ""
    max_cost_usd_micros: float | None = None
    timeout_s: float | None = None


@dataclass(frozen=True, slots=True)
class _First:
    """An element's outcome, and the doubtful one before it where there was any."""

    early: Outcome | None
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Means:
    """What a pipeline works with. ``splitters`` parse and nothing else: engines never wait for them."""

    engines: Mapping[str, Engine]
    routes: Routes
    verifiers: Verifiers
    confidence: Confidence
    splitters: Workers
    limits: Limits = field(default_factory=Limits)
    steps: Steps = field(default_factory=NoSteps)
    page_window: int = 4
    missing: tuple[str, ...] = ()
    fingerprint: str = ""
    clock: Callable[[], float] = time.monotonic


class Pipeline:
    """Processes documents, any number at once; owns nothing of its means."""

    def __init__(self, means: Means) -> None:
        self._means = means

    async def run(self, job: Job) -> AsyncGenerator[Event]:
        """Process a document; see :mod:`router.documents.events`.

        Raises DocumentRefused, LibraryMissing, or OSError where the file cannot be read. Closing the iterator
        stops all that runs for it.
        """
        digest, kind = await asyncio.to_thread(examine, job.path, self._means.limits)
        run = _Run(self._means, job, digest, kind)
        async with aclosing(run.events()) as events:
            async for event in events:
                yield event

    @property
    def worker_start_count(self) -> int:
        """Processes started for parsing so far."""
        return self._means.splitters.start_count

    async def document(self, job: Job) -> Finished:
        """Process a document and give its last event."""
        async with aclosing(self.run(job)) as events:
            async for event in events:
                last = event
        assert isinstance(last, Finished), "every run ends so"
        return last


class _Run:
    """One document's run."""

    def __init__(self, means: Means, job: Job, digest: str, kind: Kind) -> None:
        self._means = means
        self._job = job
        self._digest = digest
        self._kind = kind
        purse = Purse(job.max_cost_usd_micros, job.timeout_s, means.clock)
        self._house = House(means.engines, means.verifiers, means.confidence, means.steps, purse)
        # Who may spend what is left depends on who spent before: with a budget, one after the other.
        self._is_ordered = purse.is_bounded
        self._config = _hash(means, job)
        self._sequence = 0

    async def events(self) -> AsyncGenerator[Event]:
        """Give all events in order."""
        settled: list[SettledPage] = []
        window = 1 if self._is_ordered else self._means.page_window
        async with aclosing(self._pages()) as split:
            # Nothing is read before the plan is told: who listens may still turn back.
            first = await anext(split, None)
            if first is not None:
                yield self._planned(first.page_count)
            pages = _in_order(_again(first, split), self._settle_page, window)
            async with aclosing(self._settled(pages, settled)) as events:
                async for event in events:
                    yield event
        yield self._finished(settled)

    async def _settled(
        self, pages: AsyncGenerator[tuple[Page, tuple[_First, ...]]], settled: list[SettledPage]
    ) -> AsyncGenerator[Event]:
        """Tell every page, and keep it in ``settled``."""
        async with aclosing(pages):
            async for page, firsts in pages:
                for event in self._told(firsts):
                    yield event
                outcomes = tuple(first.outcome for first in firsts)
                doubtful = sum(outcome.verdict is Verdict.UNVERIFIED for outcome in outcomes)
                yield PageDone(self._next(), page.number, page.page_count, doubtful)
                settled.append(SettledPage(replace(page, elements=()), outcomes))

    def _planned(self, page_count: int) -> Planned:
        ladders = {str(group): self._means.routes.of(group).ladder for group in Group}
        return Planned(self._next(), self._digest, self._kind, page_count, ladders, self._means.missing)

    def _told(self, firsts: Sequence[_First]) -> list[Event]:
        events: list[Event] = []
        for first in firsts:
            if first.early is not None:
                events.append(ElementRead(self._next(), first.early))
            is_revised = first.early is not None and first.early.reading != first.outcome.reading
            events.append(ElementSettled(self._next(), first.outcome, is_revised))
        return events

    def _finished(self, pages: Sequence[SettledPage]) -> Finished:
        name = self._job.name or self._job.path.name
        document = Document(name, self._digest, self._kind, tuple(pages), self._means.missing)
        checks = check(document)
        document = merged(document)
        return Finished(self._next(), document, spending(document), checks)

    async def _pages(self) -> AsyncGenerator[Page]:
        """Pages from the journal, and from the splitter what the journal has not."""
        number = 1
        while (done := self._means.steps.get(self._key(number, "", "split"))) is not None:
            page = PAGE.validate_json(done)
            yield page
            number += 1
            if page.number >= page.page_count:
                return
        means = self._means
        async with aclosing(pages_of(self._job.path, self._kind, means.limits, means.splitters)) as pages:
            async for page in pages:
                if page.number >= number:
                    means.steps.put(self._key(page.number, "", "split"), PAGE.dump_json(page).decode())
                    yield page

    async def _settle_page(self, page: Page) -> tuple[_First, ...]:
        slim = replace(page, elements=(), source_text="")
        if self._is_ordered:
            return tuple([await self._settle(slim, element) for element in page.elements])
        tasks = []
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._settle(slim, element)) for element in page.elements]
        return tuple(task.result() for task in tasks)

    async def _settle(self, page: Page, element: Element) -> _First:
        key = self._key(page.number, element.id, "settled")
        done = self._means.steps.get(key)
        if done is not None:
            return self._remembered(done, page.number, element.id)
        route = self._means.routes.of(group_of(element))
        subject = Subject(self._job.path, self._kind, page, element)
        climb = Climb(self._house, route, subject, lambda stage: self._key(page.number, element.id, stage))
        outcome = slim(await climb.settle())
        early = None if climb.first is None else slim(climb.first)
        if not climb.was_limited:
            if early is not None:
                earlier = self._key(page.number, element.id, "first")
                self._means.steps.put(earlier, OUTCOME.dump_json(early).decode())
            self._means.steps.put(key, OUTCOME.dump_json(outcome).decode())
        return _First(early, outcome)

    def _remembered(self, done: str, page: int, element: str) -> _First:
        outcome = OUTCOME.validate_json(done)
        self._house.purse.book(outcome.cost_usd_micros)
        early = self._means.steps.get(self._key(page, element, "first"))
        return _First(None if early is None else OUTCOME.validate_json(early), outcome)

    def _key(self, page: int, element: str, stage: str) -> StepKey:
        return StepKey(self._digest, page, element, stage, self._config)

    def _next(self) -> int:
        self._sequence += 1
        return self._sequence


def _hash(means: Means, job: Job) -> str:
    """Everything, beside the document, that a step could come out differently by."""
    parts = (
        means.routes.fingerprint,
        means.fingerprint,
        ",".join(sorted(means.engines)),
        means.limits,
        job.max_cost_usd_micros,
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


async def _again(first: Page | None, rest: AsyncGenerator[Page]) -> AsyncGenerator[Page]:
    """The page that was looked at already, and those after it."""
    async with aclosing(rest):
        if first is not None:
            yield first
        async for page in rest:
            yield page


async def _in_order(
    pages: AsyncGenerator[Page],
    settle: Callable[[Page], Coroutine[Any, Any, tuple[_First, ...]]],
    window: int,
) -> AsyncGenerator[tuple[Page, tuple[_First, ...]]]:
    """Settle up to ``window`` pages at once, and give them in order."""
    running: list[tuple[Page, asyncio.Task[tuple[_First, ...]]]] = []
    try:
        async with aclosing(pages):
            async for page in pages:
                running.append((page, asyncio.create_task(settle(page))))
                if len(running) >= window:
                    first, task = running.pop(0)
                    yield first, await task
        while running:
            first, task = running.pop(0)
            yield first, await task
    finally:
        for _, task in running:
            task.cancel()
        await asyncio.gather(*(task for _, task in running), return_exceptions=True)
