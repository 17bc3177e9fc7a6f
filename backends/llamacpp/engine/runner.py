"""The step: lets answers in, brings them into their slots, computes, draws, and lets them go.

One answer's fault ends that answer alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from backends.errors import BackendError, TimedOut, Unavailable
from backends.llamacpp.engine.adapters import Adapters
from backends.llamacpp.engine.batch import ABORTED, Batch
from backends.llamacpp.engine.prefix_cache import PrefixCache
from backends.llamacpp.engine.prefixes import Prefixes
from backends.llamacpp.engine.scheduler import Row, Scheduler
from backends.llamacpp.engine.sequence import Sequence
from backends.llamacpp.engine.sinks import Sinks
from backends.llamacpp.engine.slots import Slots
from backends.llamacpp.engine.writer import Logits, Writer
from backends.llamacpp.native import Native
from backends.llamacpp.options import LlamaCppOptions
from backends.llamacpp.work import Began, Event


@dataclass(slots=True)
class Counts:
    """Tokens since the engine was opened; those ``read`` were computed, those ``cached`` were not."""

    read: int = 0
    cached: int = 0
    written: int = 0
    drafted: int = 0
    accepted: int = 0


class Runner:
    """Carries ``sequences`` (by the id of their work) through steps."""

    def __init__(self, native: Native, options: LlamaCppOptions, cache: PrefixCache) -> None:
        self.sequences: dict[int, Sequence] = {}
        self.events: list[Event] = []
        self.counts = Counts()
        self.scheduler = Scheduler(
            slot_count=native.sequence_count,
            queue_length=options.queue_length,
            step_token_count=options.batch_token_count,
            context_token_count=native.context_token_count,
            shares_prefixes=native.shares_prefixes,
        )
        self.adapters = Adapters(native)
        self._slots = Slots(native)
        self._batch = Batch(native)
        self._writer = Writer(native)
        self._prefixes = Prefixes(cache, self._slots, self.adapters, exact=not native.shares_prefixes)
        count = options.attention_sink_token_count
        self._sinks = None if count is None else Sinks(native, count, self._slots)

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
        self._slots.arrange(self.scheduler.running)
        if self._sinks is not None:
            for sequence in self.scheduler.running:
                self._sinks.make_room(sequence)
        self._compute(self.scheduler.rows())
        events, self.events = self.events, []
        return events

    def drop(self, sequence: Sequence) -> None:
        """Let ``sequence`` go, and keep what was computed for others that begin alike."""
        self.scheduler.remove(sequence)
        del self.sequences[sequence.work.id]
        if sequence.slot is not None:
            self._prefixes.keep(sequence)
            self._slots.clear(sequence)
        sequence.close()

    def fail(self, sequence: Sequence, error: BackendError) -> None:
        """End ``sequence`` by ``error``."""
        self.events.append(sequence.failed(error))
        self.drop(sequence)

    def _admit(self) -> None:
        while (admission := self.scheduler.admit()) is not None:
            if admission.preempted is not None:
                self._slots.take_out(admission.preempted)
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

    def _compute(self, rows: list[Row]) -> None:
        """Compute ``rows``; those that llama.cpp cannot compute together, one by one."""
        if not rows:
            return
        self.adapters.use(rows[0].sequence.work.adapter)
        code = self._batch.compute(rows)
        if code == 0:
            self._take(rows)
            return
        # Some of it may have been computed.
        for row in rows:
            self._slots.truncate(row.sequence)
        if code == ABORTED:
            return
        if len(rows) == 1:
            message = f"llama.cpp could not compute {rows[0].count} tokens (llama_decode returned {code})"
            self.fail(rows[0].sequence, Unavailable(message))
            return
        for row in rows:
            self._compute([row])

    def _take(self, rows: list[Row]) -> None:
        """Take what came of ``rows``."""
        logits = self._batch.logits()
        place = 0
        for row in rows:
            sequence, writes = row.sequence, row.writes
            read = min(row.count, len(sequence.work.tokens) - sequence.computed)
            self.counts.read += max(0, read)
            sequence.computed += row.count
            if writes:
                try:
                    self._write(sequence, row.draft, logits[place:])
                except BackendError as exc:
                    self.fail(sequence, exc)
                place += 1 + len(row.draft)

    def _write(self, sequence: Sequence, draft: tuple[int, ...], logits: Logits) -> None:
        """Draw a token, and the next as long as it was guessed right, for then its logits are there."""
        accepted = 0
        for guess in (*draft, None):
            wrote = self._writer.write(sequence, logits[accepted])
            self.events.append(wrote)
            self.counts.written += 1
            if wrote.ends or sequence.complete:
                self.drop(sequence)
                return
            if wrote.token != guess:
                break
            accepted += 1
            sequence.computed += 1
        if accepted < len(draft):
            self._slots.truncate(sequence)
