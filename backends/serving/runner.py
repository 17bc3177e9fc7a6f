"""The step: lets answers in, brings them into their slots, computes, draws, and lets them go.

One answer's fault ends that answer alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from backends.errors import BackendError, TimedOut, Unavailable
from backends.load import Load
from backends.serving.parts import Aborted, Batch, Logits, Memory, Writer
from backends.serving.prefixes import Prefixes
from backends.serving.scheduler import Row, Scheduler
from backends.serving.sequence import Sequence
from backends.serving.speculation.speculation import Speculation
from backends.serving.tempo import Tempo
from backends.serving.work import Began, Event


@dataclass(slots=True)
class Counts:
    """Tokens since the engine was opened; those ``read`` were computed, those ``cached`` were not."""

    read: int = 0
    cached: int = 0
    written: int = 0
    drafted: int = 0
    accepted: int = 0


@dataclass(frozen=True, slots=True)
class Parts:
    """What a runner works with. ``speculation`` guesses tokens ahead; None: nobody does."""

    memory: Memory
    batch: Batch
    writer: Writer
    prefixes: Prefixes
    speculation: Speculation | None = None


class Runner:
    """Carries ``sequences`` (by the id of their work) through steps."""

    def __init__(
        self, scheduler: Scheduler, parts: Parts, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self.sequences: dict[int, Sequence] = {}
        self.events: list[Event] = []
        self.counts = Counts()
        self.scheduler = scheduler
        self._tempo = Tempo()
        self._clock = clock
        self._memory = parts.memory
        self._batch = parts.batch
        self._writer = parts.writer
        self._prefixes = parts.prefixes
        self._speculation = parts.speculation

    def submit(self, sequence: Sequence) -> None:
        """Take ``sequence``; raises Overloaded where too many wait."""
        self.scheduler.submit(sequence)
        self.sequences[sequence.work.id] = sequence

    def step(self, now_s: float) -> list[Event]:
        """Do one step at ``now_s`` and return what happened since the last one."""
        for sequence in self.scheduler.expired(now_s):
            self.fail(
                sequence, TimedOut("no complete answer before the deadline; allow more time or ask for less")
            )
        self._admit()
        self.scheduler.arrange()
        self._memory.arrange(self.scheduler.running)
        rows = self.scheduler.rows()
        if rows:
            self._run(rows)
        events, self.events = self.events, []
        return events

    def load(self) -> Load:
        """How busy it is now, and what it has done so far."""
        slot_count = self.scheduler.slot_count
        joined_count = min(len(self.scheduler.running) + 1, slot_count)
        return Load(
            pass_token_count=self.scheduler.step_token_count,
            pass_s=self._pass_s(),
            read_s=self._tempo.read_s,
            token_s=self._tempo.token_s(joined_count),
            answer_s=self._tempo.answer_s(slot_count),
            running_count=len(self.scheduler.running),
            waiting_count=len(self.scheduler.waiting),
            slot_count=slot_count,
            read_token_count=self.counts.read,
            cached_token_count=self.counts.cached,
            written_token_count=self.counts.written,
            drafted_token_count=self.counts.drafted,
            accepted_token_count=self.counts.accepted,
            preemption_count=self.scheduler.preemption_count,
            unread_token_count=self.scheduler.unread_token_count,
        )

    def _pass_s(self) -> float | None:
        """Seconds of a pass that reads, and of the step of those who write that follows it."""
        pass_s, running_count = self._tempo.pass_s, len(self.scheduler.running)
        if pass_s is None or not running_count:
            return pass_s
        return pass_s + (self._tempo.token_s(running_count) or 0.0)

    def drop(self, sequence: Sequence) -> None:
        """Let ``sequence`` go, and keep what was computed for others that begin alike."""
        self.scheduler.remove(sequence)
        del self.sequences[sequence.work.id]
        if sequence.slot is not None:
            self._prefixes.keep(sequence)
            self._memory.clear(sequence)
        if self._speculation is not None:
            self._speculation.forget(sequence)
        sequence.close()

    def fail(self, sequence: Sequence, error: BackendError) -> None:
        """End ``sequence`` by ``error``."""
        self.events.append(sequence.failed(error))
        self.drop(sequence)

    def _admit(self) -> None:
        while (admission := self.scheduler.admit()) is not None:
            if admission.preempted is not None:
                self._memory.take_out(admission.preempted)
            sequence = admission.sequence
            try:
                self._begin(sequence)
            except BackendError as exc:
                self.fail(sequence, exc)

    def _begin(self, sequence: Sequence) -> None:
        if sequence.began:
            return
        self._writer.begin(sequence)
        self._prefixes.recall(sequence, self.scheduler.running)
        sequence.began = True
        self.counts.cached += sequence.cached
        self.events.append(Began(sequence.work.id, min(sequence.cached, len(sequence.work.tokens))))

    def _run(self, rows: list[Row]) -> None:
        """Compute ``rows`` and what is guessed behind them, and note how long it took."""
        started_s, written, reads = self._clock(), self.counts.written, not _only_write(rows)
        if self._speculation is None:
            self._compute(rows)
        elif self._compute(self._speculation.guess(rows)):
            self._speculation.took()
        seconds, written = self._clock() - started_s, self.counts.written - written
        if reads:
            self._tempo.read(sum(row.count for row in rows), seconds)
        elif written:
            self._tempo.wrote(len(rows), written, seconds)

    def _compute(self, rows: list[Row]) -> bool:
        """Compute ``rows``, and return whether that went well.

        Those that cannot be computed together are computed one by one, without guesses.
        """
        try:
            logits = self._batch.compute(rows)
        except (Aborted, Unavailable) as exc:
            # Some of it may have been computed.
            for row in rows:
                self._memory.truncate(row.sequence)
            if isinstance(exc, Unavailable):
                self._compute_apart(rows, exc)
            return False
        self._take(rows, logits)
        return True

    def _compute_apart(self, rows: list[Row], error: Unavailable) -> None:
        """Compute ``rows`` one by one after ``error``, which ends one that was alone already."""
        if len(rows) == 1 and not rows[0].draft:
            self.fail(rows[0].sequence, error)
            return
        for row in rows:
            self._compute([replace(row, draft=())])

    def _take(self, rows: list[Row], logits: Logits) -> None:
        """Take what came of ``rows``."""
        place = 0
        for row in rows:
            sequence, writes = row.sequence, row.writes
            read = min(row.count, len(sequence.work.tokens) - sequence.computed)
            self.counts.read += max(0, read)
            sequence.computed += row.count
            if writes:
                try:
                    self._write(row, logits[place:])
                except BackendError as exc:
                    self.fail(sequence, exc)
                place += 1 + len(row.draft)

    def _write(self, row: Row, logits: Logits) -> None:
        """Draw a token, and the next as long as it was guessed right, for then its logits are there."""
        sequence, accepted = row.sequence, 0
        for guess in (*row.draft, None):
            wrote = self._writer.write(sequence, logits[accepted])
            self.events.append(wrote)
            self.counts.written += 1
            if wrote.ends or sequence.complete:
                self._learn(row, accepted + (wrote.token == guess))
                self._tempo.ended(len(sequence.tokens) - len(sequence.work.tokens))
                self.drop(sequence)
                return
            if wrote.token != guess:
                break
            accepted += 1
            sequence.computed += 1
        if accepted < len(row.draft):
            self._memory.truncate(sequence)
        self._learn(row, accepted)

    def _learn(self, row: Row, accepted: int) -> None:
        """Note how many guesses of ``row`` stand."""
        if row.draft:
            self.counts.drafted += len(row.draft)
            self.counts.accepted += accepted
            self.scheduler.charge(row.sequence, accepted)
            if self._speculation is not None:
                self._speculation.learn(row, accepted)


def _only_write(rows: list[Row]) -> bool:
    return all(row.sequence.pending == 1 for row in rows)
