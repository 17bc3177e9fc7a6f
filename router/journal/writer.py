"""The journal in an SQLite file: one thread writes, in batches, off the path of requests.

Decides what waits, what is dropped, and when a batch is written. Trouble with the file is counted
and logged once a minute; it never reaches a request. Refuses to know SQL.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path
from queue import Empty, SimpleQueue

from router.errors import QueueFull, UnknownRequest
from router.journal.audit import Audit
from router.journal.entry import JournalEntry
from router.journal.pruner import Pruner
from router.journal.record import Feedback, Record
from router.journal.retention import Retention
from router.journal.rows import Row, to_row
from router.journal.store import Store

_LOG = logging.getLogger(__name__)

# Entries that may wait: 10 s at 1,000 requests a second, some 30 MB.
_QUEUE_ENTRY_COUNT = 10_000
# Prompts can be long: 64 million characters may wait, of prompts and answers together.
_QUEUE_CHARACTER_COUNT = 1 << 26
# A commit costs about as much as 20 rows, and every waking of the writer takes the interpreter from the
# loop; waiting this long for company makes both cheap. A score that somebody waits for ends the wait.
_WINDOW_S = 0.025
_BATCH_ITEM_COUNT = 1000
_LOG_INTERVAL_S = 60.0


@dataclass(frozen=True, slots=True)
class JournalCounts:
    """Entries so far: written, dropped because the queue was full, and failed to be written.

    ``failed`` counts those too whose request id an answered request has already, see ``Store``.
    """

    written: int = 0
    dropped: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class _Ended:
    entry: JournalEntry
    time_s: float


@dataclass(frozen=True, slots=True)
class _Score:
    feedback: Feedback
    replaced: Future[bool]


class _Close:
    """The last item of the queue."""


_Item = _Ended | Audit | _Score | _Close


class SqliteJournal:
    """Remembers in the SQLite file at ``path``.

    ``clock`` gives seconds since 1970. ``store_prompts`` keeps prompts and answers too, with stand-ins for
    data of the kinds in ``redact``; ``retention`` says how long, and is looked after while entries come in
    and while none do.
    """

    def __init__(
        self,
        path: Path,
        *,
        store_prompts: bool = False,
        redact: Sequence[str] = (),
        retention: Retention | None = None,
        queue_entry_count: int = _QUEUE_ENTRY_COUNT,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._path = path
        self._store_prompts = store_prompts
        self._redact = tuple(redact)
        self._pruner = Pruner(retention or Retention(), clock)
        self._limit = queue_entry_count
        self._clock = clock
        self._queue: SimpleQueue[_Item] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._opened: Future[None] = Future()
        self._is_urgent = threading.Event()
        self._dropped = 0
        self._written = 0
        self._failed = 0
        self._quiet_until_s = 0.0
        # Each is written by one thread only: the loop's and the writer's.
        self._queued_characters = 0
        self._taken_characters = 0

    @property
    def counts(self) -> JournalCounts:
        """What became of the entries so far."""
        return JournalCounts(self._written, self._dropped, self._failed)

    async def start(self) -> None:
        """Open the file on the writer's thread. Raises JournalError."""
        self._thread.start()
        await asyncio.wrap_future(self._opened)

    def record(self, entry: JournalEntry) -> None:
        """Queue ``entry``; drop and count it where the queue is full."""
        character_count = _character_count(entry)
        waiting = self._queued_characters - self._taken_characters
        if self._queue.qsize() >= self._limit or waiting + character_count > _QUEUE_CHARACTER_COUNT:
            self._dropped += 1
        else:
            self._queued_characters += character_count
            self._queue.put(_Ended(entry, self._clock()))

    def audit(self, audit: Audit) -> None:
        """Queue ``audit``; drop and count it where the queue is full."""
        if self._queue.qsize() >= self._limit:
            self._dropped += 1
        else:
            self._queue.put(replace(audit, time_s=self._clock()))

    def retain(self, retention: Retention) -> None:
        """Forget by ``retention`` from now on."""
        self._pruner.retention = retention

    async def feedback(
        self, request_id: str, score: float, source: str, *, tenants: frozenset[str] | None = None
    ) -> bool:
        """Write a score and wait until it is on the disk."""
        if self._queue.qsize() >= self._limit:
            raise QueueFull("the journal is behind; send the feedback again later")
        item = _Score(Feedback(request_id, source, score, self._clock(), tenants), Future())
        self._put_urgently(item)
        return await asyncio.shield(asyncio.wrap_future(item.replaced))

    async def close(self) -> None:
        """Write what waits and close the file."""
        if self._thread.is_alive():
            self._put_urgently(_Close())
            await asyncio.to_thread(self._thread.join)

    def _put_urgently(self, item: _Item) -> None:
        self._queue.put(item)
        self._is_urgent.set()

    def _run(self) -> None:
        try:
            store = Store(self._path)
        except BaseException as error:  # noqa: BLE001 - raised again in start()
            self._opened.set_exception(error)
            return
        self._opened.set_result(None)
        try:
            while self._write_batch(store):
                self._prune(store)
        finally:
            store.close()

    def _write_batch(self, store: Store) -> bool:
        """Wait for an item, gather its company, write them; False once the journal is closed."""
        try:
            items = [self._queue.get(timeout=self._pruner.wait_s)]
        except Empty:
            return True
        self._is_urgent.wait(_WINDOW_S)
        # Before the queue is looked into: what becomes urgent from now on is for the next batch.
        self._is_urgent.clear()
        try:
            while len(items) < _BATCH_ITEM_COUNT:
                items.append(self._queue.get_nowait())
        except Empty:
            pass
        scores = [item for item in items if isinstance(item, _Score)]
        audits = [item for item in items if isinstance(item, Audit)]
        replaced = self._write(store, self._rows(items), [score.feedback for score in scores], audits)
        # First the room, then the news: who hears that a score was written may count on it.
        self._taken_characters += sum(
            _character_count(item.entry) for item in items if isinstance(item, _Ended)
        )
        for score, outcome in zip(scores, replaced, strict=True):
            _acknowledge(score, outcome)
        return not any(isinstance(item, _Close) for item in items)

    def _prune(self, store: Store) -> None:
        try:
            self._pruner.work(store)
        except sqlite3.Error as exc:
            self._complain(0, exc)

    def _rows(self, items: Sequence[_Item]) -> list[Row]:
        rows: list[Row] = []
        for item in items:
            if isinstance(item, _Ended):
                try:
                    rows.append(to_row(self._record(item)))
                except (TypeError, ValueError) as exc:
                    self._complain(1, exc)
        return rows

    def _record(self, item: _Ended) -> Record:
        record = Record.of(item.entry, time_s=item.time_s, store_prompts=self._store_prompts)
        return record.redacted(self._redact) if self._redact else record

    def _write(
        self, store: Store, rows: list[Row], scores: list[Feedback], audits: list[Audit]
    ) -> list[bool | QueueFull | None]:
        """Write all; say of each score what :class:`router.journal.store.Written` does, or why it is lost."""
        try:
            written = store.write(rows, scores, audits)
        except (sqlite3.Error, ValueError, OverflowError) as exc:
            self._complain(len(rows) + len(audits), exc)
            sorry = QueueFull("the journal cannot be written now; send the feedback again later")
            return [sorry for _ in scores]
        self._written += written.row_count + len(audits)
        if written.row_count < len(rows):
            taken = "their x-request-id is that of an earlier request; callers must not use one twice"
            self._complain(len(rows) - written.row_count, ValueError(taken))
        return [*written.replaced]

    def _complain(self, count: int, error: Exception) -> None:
        """Count entries that are lost, and say so at most once a minute."""
        self._failed += count
        now_s = time.monotonic()
        if now_s >= self._quiet_until_s:
            self._quiet_until_s = now_s + _LOG_INTERVAL_S
            _LOG.error("journal %s: %d entries lost so far: %s", self._path, self._failed, error)


def _character_count(entry: JournalEntry) -> int:
    prompt = sum(len(message.content) for message in entry.request.prompt.messages)
    return prompt + (len(entry.result.text) if entry.result else 0)


def _acknowledge(score: _Score, replaced: bool | QueueFull | None) -> None:
    request_id = score.feedback.request_id
    if isinstance(replaced, QueueFull):
        score.replaced.set_exception(replaced)
    elif replaced is not None:
        score.replaced.set_result(replaced)
    else:
        message = f"no request {request_id!r} is in the journal; it may have been dropped"
        score.replaced.set_exception(UnknownRequest(message, metadata={"request_id": request_id}))
