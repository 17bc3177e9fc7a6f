"""The scheduler's promises, for any traffic: budget, order, fairness, no starvation. No model takes part."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.errors import Overloaded
from backends.serving.scheduler import MIN_SHARED_TOKEN_COUNT, Scheduler
from backends.serving.sequence import Sequence, shared_length
from backends.serving.work import Work
from backends.types import Caller, Sampling

SLOTS, BUDGET, CONTEXT = 3, 16, 200


def scheduler(queue_length: int = 1000) -> Scheduler:
    return Scheduler(
        slot_count=SLOTS, queue_length=queue_length, step_token_count=BUDGET, context_token_count=CONTEXT
    )


@dataclass(frozen=True)
class Ask:
    """A request of the traffic, and the step it comes in."""

    step: int
    prompt: int
    limit: int
    tenant: str
    priority: int
    adapter: str | None


ASKS = st.lists(
    st.builds(
        Ask,
        step=st.integers(0, 20),
        prompt=st.integers(1, 60),
        limit=st.integers(1, 12),
        tenant=st.sampled_from("ab"),
        priority=st.integers(0, 2),
        adapter=st.sampled_from([None, None, "x", "y"]),
    ),
    min_size=1,
    max_size=25,
)


def sequence(id: int, ask: Ask, first: int | None = None) -> Sequence:  # noqa: A002
    # Prompts that begin differently: what they share is tested apart.
    tokens = (id if first is None else first, *range(1, ask.prompt))
    caller = Caller(ask.tenant, ask.priority)
    return Sequence(Work(id, tokens, Sampling(seed=0), ask.limit, caller=caller, adapter=ask.adapter), id)


class Machine:
    """Does what an engine does with a scheduler, without computing anything."""

    def __init__(self, asks: list[Ask], scheduler: Scheduler) -> None:
        self.scheduler = scheduler
        self.coming = {i: sequence(i, ask) for i, ask in enumerate(asks)}
        self.asks = asks
        self.order: list[int] = []
        self.written: Counter[int] = Counter()
        self.preemptions: list[tuple[int, int]] = []

    def step(self, number: int) -> list[tuple[Sequence, int]]:
        for i, ask in enumerate(self.asks):
            if ask.step == number:
                self.scheduler.submit(self.coming[i])
        while (admission := self.scheduler.admit()) is not None:
            if admission.preempted is not None:
                admission.preempted.slot = None
                self.preemptions.append((admission.sequence.work.id, admission.preempted.work.id))
            if admission.sequence.work.id not in self.order:
                self.order.append(admission.sequence.work.id)
        self.scheduler.arrange()
        for slot, running in enumerate(self.scheduler.running):
            running.slot = slot
        done = []
        for row in self.scheduler.rows():
            done.append((row.sequence, row.count))
            writes = row.writes
            row.sequence.computed += row.count
            if writes:
                self.written[row.sequence.work.id] += 1
                row.sequence.tokens.append(0)
                if row.sequence.complete:
                    self.scheduler.remove(row.sequence)
                    row.sequence.slot = None
        return done

    def run(self) -> int:
        number = 0
        while number <= 20 or self.scheduler.running or self.scheduler.waiting:
            self.step(number)
            number += 1
            assert number < 5000, "somebody starves"
        return number


@given(ASKS)
def test_everybody_is_answered_in_full(asks: list[Ask]) -> None:
    """Whatever the mix of priorities, tenants and adapters, nobody starves."""
    machine = Machine(asks, scheduler())
    machine.run()
    assert machine.written == {i: ask.limit for i, ask in enumerate(asks)}


@given(ASKS)
def test_a_step_keeps_to_its_budget(asks: list[Ask]) -> None:
    """Prompts take at most the budget, answers one token each, and a step is of one adapter."""
    machine = Machine(asks, scheduler())
    for number in range(60):
        pending = {id(each): each.pending for each in machine.coming.values()}
        rows = machine.step(number)
        assert sum(count for each, count in rows if pending[id(each)] > 1) <= BUDGET
        assert all(0 < count <= pending[id(each)] for each, count in rows)
        assert len({each.work.adapter for each, _ in rows}) <= 1
        assert len(machine.scheduler.running) <= SLOTS


@given(ASKS)
def test_only_the_more_urgent_preempt(asks: list[Ask]) -> None:
    """A running answer gives way to a strictly higher priority and to nobody else."""
    machine = Machine(asks, scheduler())
    machine.run()
    assert all(asks[new].priority > asks[old].priority for new, old in machine.preemptions)


@given(st.lists(st.sampled_from([None, "x", "y"]), min_size=1, max_size=8), st.data())
def test_adapters_stand_together_and_few_move(adapters: list[str | None], data: st.DataObject) -> None:
    """Each adapter's slots are neighbours, and where one answer left at most one an adapter moves."""
    machine = Scheduler(slot_count=8, queue_length=0, step_token_count=BUDGET, context_token_count=CONTEXT)
    asks = [Ask(0, 1, 1, "a", 0, adapter) for adapter in adapters]
    machine.running = [sequence(i, ask) for i, ask in enumerate(asks)]
    machine.arrange()
    for slot, each in enumerate(machine.running):
        each.slot = slot
    machine.running.pop(data.draw(st.integers(0, len(adapters) - 1)))
    machine.arrange()
    order = [each.work.adapter for each in machine.running]
    assert len(list(_runs(order))) == len(set(order))
    moved = sum(each.slot != slot for slot, each in enumerate(machine.running))
    assert moved <= len(set(adapters))


def _runs(items: list[str | None]) -> list[str | None]:
    return [item for i, item in enumerate(items) if i == 0 or items[i - 1] != item]


def test_higher_priorities_come_first() -> None:
    """Among those that wait."""
    asks = [Ask(0, 5, 2, "a", priority, None) for priority in (0, 2, 1, 2)]
    machine = Machine(asks, scheduler())
    machine.run()
    assert machine.order[:2] == [1, 3]


def test_tenants_share_alike() -> None:
    """One who sends 30 requests at once does not keep another waiting behind all of them."""
    asks = [Ask(0, 10, 5, "greedy", 0, None)] * 30 + [Ask(1, 10, 5, "modest", 0, None)] * 3
    machine = Machine(asks, scheduler())
    machine.run()
    assert max(machine.order.index(i) for i in (30, 31, 32)) < 12


def test_time_not_used_is_not_saved_up() -> None:
    """A tenant who was away gets no more than its share on return."""
    early = [Ask(0, 10, 5, "steady", 0, None)] * 20
    late = [Ask(15, 10, 5, "steady", 0, None)] * 10 + [Ask(15, 10, 5, "returned", 0, None)] * 10
    machine = Machine(early + late, scheduler())
    machine.run()
    served = [i >= 30 for i in machine.order]
    start = served.index(True)
    assert 3 <= sum(served[start : start + 10]) <= 8


def test_prompts_are_read_one_after_the_other() -> None:
    """The first of three gets its first token as early as if it were alone."""
    machine = Machine([Ask(0, 32, 3, "a", 0, None)] * 3, scheduler())
    firsts: dict[int, int] = {}
    for number in range(12):
        machine.step(number)
        for i in machine.written:
            firsts.setdefault(i, number)
    # Two steps to read each. The first writes when the second is read, too, for till then more wait to be
    # read than write; then those that have been read write between the steps that read.
    assert firsts == {0: 1, 1: 3, 2: 7}


@given(ASKS)
def test_a_step_reads_or_writes(asks: list[Ask]) -> None:
    """Never both; and whoever writes waits for four steps that read at most, of each adapter."""
    machine = Machine(asks, scheduler())
    waited: Counter[int] = Counter()
    for number in range(60):
        pending = {id(each): each.pending for each in machine.coming.values()}
        rows = machine.step(number)
        assert len({pending[id(each)] > 1 for each, _ in rows}) <= 1
        done = {each.work.id for each, _ in rows}
        for each in machine.scheduler.running:
            waited[each.work.id] = 0 if each.work.id in done or each.pending > 1 else waited[each.work.id] + 1
            assert waited[each.work.id] <= (4 + 1) * 3


def test_who_shares_a_prefix_waits_until_it_is_read() -> None:
    """Three samples of one prompt: one reads it, and the others come in when it has."""
    ask = Ask(0, 3 * BUDGET, 4, "a", 0, None)
    samples = [sequence(i, ask, first=1) for i in range(3)]
    subject = scheduler()
    for each in samples:
        subject.submit(each)
    assert subject.admit() is not None
    assert subject.admit() is None
    samples[0].computed = 3 * BUDGET - 1
    admission = subject.admit()
    assert admission is not None
    assert admission.sequence is samples[1]


def test_the_queue_is_bounded() -> None:
    """One more than may run and wait is turned away, and a place that falls free is given again."""
    subject = scheduler(queue_length=2)
    many = [sequence(i, Ask(0, 5, 5, "a", 0, None)) for i in range(SLOTS + 3)]
    for each in many[:-1]:
        subject.submit(each)
    with pytest.raises(Overloaded, match="queue_length"):
        subject.submit(many[-1])
    subject.remove(many[0])
    subject.submit(many[-1])


@given(st.lists(st.integers(0, 1)), st.lists(st.integers(0, 1)))
def test_shared_length_is_that_of_the_common_beginning(one: list[int], other: list[int]) -> None:
    """As a plain loop counts it."""
    expected = 0
    for mine, yours in zip(one, other, strict=False):
        if mine != yours:
            break
        expected += 1
    assert shared_length(one, other) == expected
    assert MIN_SHARED_TOKEN_COUNT > 1
