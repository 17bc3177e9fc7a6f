"""The step: lets answers in, brings them into their slots, computes, draws, and lets them go.

One answer's fault ends that answer alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from backends.errors import BackendError, TimedOut, Unavailable
from backends.llamacpp.engine.adapters import Adapters
from backends.llamacpp.engine.batch import ABORTED, Batch
from backends.llamacpp.engine.prefix_tiers import PrefixTiers
from backends.llamacpp.engine.prefixes import Prefixes
from backends.llamacpp.engine.scheduler import Row, Scheduler
from backends.llamacpp.engine.sequence import Sequence
from backends.llamacpp.engine.sinks import Sinks
from backends.llamacpp.engine.slots import Slots
from backends.llamacpp.engine.speculation.speculation import Speculation
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
    """Carries ``sequences`` (by the id of their work) through steps.

    ``speculation`` guesses tokens ahead; None: nobody does.
    """

    def __init__(
        self,
        native: Native,
        options: LlamaCppOptions,
        cache: PrefixTiers,
        speculation: Speculation | None = None,
    ) -> None:
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
        self._speculation = speculation
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
        self._run(self.scheduler.rows())
        events, self.events = self.events, []
        return events

    def drop(self, sequence: Sequence) -> None:
        """Let ``sequence`` go, and keep what was computed for others that begin alike."""
        self.scheduler.remove(sequence)
        del self.sequences[sequence.work.id]
        if sequence.slot is not None:
            self._prefixes.keep(sequence)
            self._slots.clear(sequence)
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

    def _run(self, rows: list[Row]) -> None:
        """Compute ``rows`` and what is guessed behind them."""
        if not rows:
            return
        self.adapters.use(rows[0].sequence.work.adapter)
        if self._speculation is None:
            self._compute(rows)
        elif self._compute(self._speculation.guess(rows)):
            self._speculation.took()

    def _compute(self, rows: list[Row]) -> bool:
        """Compute ``rows``, and return whether that went well.

        Those that llama.cpp cannot compute together are computed one by one, without guesses.
        """
        code = self._batch.compute(rows)
        if code == 0:
            self._take(rows)
            return True
        # Some of it may have been computed.
        for row in rows:
            self._slots.truncate(row.sequence)
        if code == ABORTED:
            return False
        if len(rows) == 1 and not rows[0].draft:
            message = f"llama.cpp could not compute {rows[0].count} tokens (llama_decode returned {code})"
            self.fail(rows[0].sequence, Unavailable(message))
            return False
        for row in rows:
            self._compute([replace(row, draft=())])
        return False

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
                self.drop(sequence)
                return
            if wrote.token != guess:
                break
            accepted += 1
            sequence.computed += 1
        if accepted < len(row.draft):
            self._slots.truncate(sequence)
        self._learn(row, accepted)

    def _learn(self, row: Row, accepted: int) -> None:
        """Note how many guesses of ``row`` stand."""
        if row.draft:
            self.counts.drafted += len(row.draft)
            self.counts.accepted += accepted
            self.scheduler.charge(row.sequence, accepted)
            if self._speculation is not None:
                self._speculation.learn(row, accepted)
