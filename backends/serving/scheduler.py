"""Which answers run, and which of their tokens are computed in the next step.

Higher priorities come first. Among equals the tenant that has been served least does, by a virtual token
counter (Sheng et al. 2024, "Fairness in Serving Large Language Models", algorithm 2: prompt tokens weigh 1,
written ones 2), and within a tenant who came first. Knows no
library and no clock.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from backends.errors import Overloaded
from backends.serving.sequence import Sequence, shared_length

_WRITTEN_WEIGHT = 2
# Shorter common beginnings, such as a chat template's, are read again sooner than they are copied.
MIN_SHARED_TOKEN_COUNT = 16
# Waiting ones that are looked at for one place: some may wait for a prefix that another is reading.
_CANDIDATE_COUNT = 16
# Steps of reading in a row while more wait to be read than write. A step for one costs two fifths of one for
# eight (0.6B, 2 threads), so a burst's first tokens come sooner, and all of it ends sooner, where its first
# ones wait for the others.
_MOST_READS = 4


@dataclass(frozen=True, slots=True)
class Admission:
    """``sequence`` runs from now on, and ``preempted`` waits in its stead."""

    sequence: Sequence
    preempted: Sequence | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """``count`` tokens of ``sequence`` to be computed next, and behind them ``draft``, which is guessed."""

    sequence: Sequence
    count: int
    draft: tuple[int, ...] = ()

    @property
    def writes(self) -> bool:
        """Whether the next token can be drawn after it."""
        return self.count == self.sequence.pending


class Scheduler:
    """At most ``slot_count`` answers run and ``queue_length`` wait.

    A step reads at most ``step_token_count`` tokens of prompts, or writes one token of every answer
    that has been read; where there is both to do, they take turns, or up to four steps of reading one of
    writing while more wait to be read than write. ``running`` stands in the order of
    slots. ``shares_prefixes`` where what one answer has read can be copied to another, so that it is worth
    waiting for.
    """

    def __init__(
        self,
        *,
        slot_count: int,
        queue_length: int,
        step_token_count: int,
        context_token_count: int,
        shares_prefixes: bool = True,
    ) -> None:
        self.running: list[Sequence] = []
        self.waiting: list[Sequence] = []
        self.preemption_count = 0
        self.slot_count = slot_count
        self._queue_length = queue_length
        self.step_token_count = step_token_count
        self._context_token_count = context_token_count
        self._shares_prefixes = shares_prefixes
        self._served: dict[str, float] = {}
        self._turns: list[str | None] = []
        self._reads: Counter[str | None] = Counter()

    def submit(self, sequence: Sequence) -> None:
        """Let ``sequence`` wait for its turn; raises Overloaded where too many do."""
        count = len(self.running) + len(self.waiting)
        if count >= self.slot_count + self._queue_length:
            raise Overloaded(
                f"{count} requests run or wait, as many as sequence_count {self.slot_count} and "
                f"queue_length {self._queue_length} allow; come back later"
            )
        self._enter(sequence.work.caller.tenant)
        self.waiting.append(sequence)

    def remove(self, sequence: Sequence) -> None:
        """Forget ``sequence``."""
        (self.running if sequence in self.running else self.waiting).remove(sequence)

    def expired(self, now_s: float) -> list[Sequence]:
        """Return those whose deadline has come."""
        return [
            sequence
            for sequence in chain(self.running, self.waiting)
            if sequence.work.deadline_s is not None and sequence.work.deadline_s <= now_s
        ]

    def admit(self) -> Admission | None:
        """Let the next one run, if there is a place for it and the next step has room to read it.

        Call it until it returns None, and see to it before the next call that what the sequence needs
        not read, because it is known, counts as computed.
        """
        if not self.waiting or self._unread() >= self.step_token_count:
            return None
        full = len(self.running) == self.slot_count
        lowest = (
            min(self.running, key=lambda sequence: (_priority(sequence), -sequence.arrival)) if full else None
        )
        if lowest is not None and max(map(_priority, self.waiting)) <= _priority(lowest):
            return None
        sequence = next(self._candidates(), None)
        if sequence is None or (lowest is not None and _priority(sequence) <= _priority(lowest)):
            return None
        if lowest is not None:
            self.running.remove(lowest)
            self.waiting.append(lowest)
            self.preemption_count += 1
        self.waiting.remove(sequence)
        self.running.append(sequence)
        return Admission(sequence, lowest)

    def arrange(self) -> None:
        """Order ``running``: an adapter's answers stand together, and as few as possible change slots."""
        groups: dict[str | None, list[Sequence]] = {}
        for sequence in self.running:
            groups.setdefault(sequence.work.adapter, []).append(sequence)
        arranged: list[Sequence] = []
        for group in groups.values():
            slots = range(len(arranged), len(arranged) + len(group))
            staying = {sequence.slot: sequence for sequence in group if sequence.slot in slots}
            moving = (sequence for sequence in group if sequence.slot not in slots)
            arranged += [staying.get(slot) or next(moving) for slot in slots]
        self.running = arranged

    def rows(self) -> list[Row]:
        """Choose what the next step computes, for one adapter, in the order of slots.

        What is of unequal length is computed one after the other. So reading beside writing would save
        nothing, and what was written would only wait for what is read.
        """
        turn = self._turn()
        running = [sequence for sequence in self.running if sequence.work.adapter == turn]
        reading = [sequence for sequence in running if sequence.pending > 1]
        writing = [sequence for sequence in running if sequence.pending == 1]
        if reading and self._reads[turn] < self._most_reads(len(reading), len(writing)):
            self._reads[turn] += 1
            weight, counts = 1, self._chunks(reading)
        else:
            del self._reads[turn]
            weight, counts = _WRITTEN_WEIGHT, dict.fromkeys(writing, 1)
        for sequence, count in counts.items():
            self._served[sequence.work.caller.tenant] += weight * count
        return [Row(sequence, counts[sequence]) for sequence in running if counts.get(sequence)]

    def _most_reads(self, reading_count: int, writing_count: int) -> float:
        """Steps that may read before those who write have their turn."""
        if not writing_count:
            return math.inf
        coming = min(len(self.waiting), self.slot_count - len(self.running))
        return _MOST_READS if reading_count + coming > writing_count else 1

    def _chunks(self, reading: list[Sequence]) -> dict[Sequence, int]:
        """Tokens of each to read in a step: one after the other, by priority and arrival.

        So the first token of each comes as early as it can.
        """
        counts: dict[Sequence, int] = {}
        budget = self.step_token_count
        for sequence in sorted(reading, key=lambda sequence: (-_priority(sequence), sequence.arrival)):
            room = self._context_token_count - sequence.position
            counts[sequence] = min(sequence.pending, room, budget)
            budget -= counts[sequence]
        return counts

    def charge(self, sequence: Sequence, count: int) -> None:
        """Count ``count`` tokens that the tenant of ``sequence`` got beside the one of the step."""
        self._served[sequence.work.caller.tenant] += _WRITTEN_WEIGHT * count

    @property
    def unread_token_count(self) -> int:
        """Tokens of prompts that run or wait and are not read yet."""
        return self._unread() + sum(sequence.pending for sequence in self.waiting)

    def _unread(self) -> int:
        return sum(sequence.pending for sequence in self.running if sequence.pending > 1)

    def _candidates(self) -> Iterator[Sequence]:
        """Waiting ones, the next one first, without those that do better to wait."""
        first = heapq.nsmallest(
            _CANDIDATE_COUNT,
            self.waiting,
            key=lambda sequence: (
                -_priority(sequence),
                self._served[sequence.work.caller.tenant],
                sequence.arrival,
            ),
        )
        return (sequence for sequence in first if not self._is_being_read(sequence))

    def _is_being_read(self, sequence: Sequence) -> bool:
        """Whether another reads the beginning of ``sequence`` right now; soon it is only a copy away."""
        return self._shares_prefixes and any(
            other.pending > 1
            and not other.forgotten
            and other.work.adapter == sequence.work.adapter
            and _gain(sequence, other) >= min(MIN_SHARED_TOKEN_COUNT, other.pending - 1)
            for other in self.running
        )

    def _turn(self) -> str | None:
        """The adapter of the next step: of those in use, the one whose turn was longest ago."""
        used = dict.fromkeys(sequence.work.adapter for sequence in self.running)
        self._turns = [adapter for adapter in self._turns if adapter in used]
        new = [adapter for adapter in used if adapter not in self._turns]
        turn = new[0] if new else self._turns.pop(0) if self._turns else None
        self._turns.append(turn)
        return turn

    def _enter(self, tenant: str) -> None:
        """Lift the counter of a tenant who had nothing to do: what was not used is not saved up."""
        active = {sequence.work.caller.tenant for sequence in chain(self.running, self.waiting)}
        if tenant in active:
            return
        floor = min((self._served[name] for name in active), default=0.0)
        # Those at or below the floor would be lifted to it, so nothing is lost with them.
        self._served = {
            name: served
            for name, served in self._served.items()
            if name in active or (active and served > floor)
        }
        self._served.setdefault(tenant, floor)


def _priority(sequence: Sequence) -> int:
    return sequence.work.caller.priority


def _gain(sequence: Sequence, other: Sequence) -> int:
    """Tokens that ``sequence`` need not read if it waits for ``other`` to do so."""
    shared = shared_length(other.tokens, sequence.tokens)
    return min(shared, len(sequence.tokens) - 1) - other.computed
