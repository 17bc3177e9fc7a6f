"""The queue before a tier: who runs, who waits, who is turned away, and that no place is lost."""

from __future__ import annotations

import asyncio
import random

import pytest

from backends.errors import TimedOut, Unavailable
from router.resilience.gate import Gate
from router.resilience.refusals import TurnedAway
from tests.router.resilience.clock import Clock


async def test_those_beyond_the_limit_wait_for_a_place() -> None:
    """A call beyond the concurrency waits until one leaves."""
    gate = Gate(concurrency=1, queue=1)
    entered_s = await gate.enter(1.0)
    waiting = await begun(gate)
    assert (gate.in_flight_count, gate.queued_count) == (1, 1)
    gate.leave(entered_s)
    await waiting
    assert (gate.in_flight_count, gate.queued_count) == (1, 0)


async def test_a_full_queue_refuses_at_once() -> None:
    """A call beyond the queue is refused without waiting."""
    gate = Gate(concurrency=1, queue=0)
    await gate.enter(1.0)
    with pytest.raises(TurnedAway) as caught:
        await gate.enter(1.0)
    assert caught.value.why == "queue_full"


async def test_waiting_counts_towards_the_time() -> None:
    """A call that waits past its time is timed out, and leaves the queue."""
    gate = Gate(concurrency=1, queue=5)
    await gate.enter(1.0)
    with pytest.raises(TimedOut):
        await gate.enter(0.01)
    assert gate.queued_count == 0


async def test_a_cancelled_wait_leaves_the_queue() -> None:
    """Cancelling a call that waits frees its place in the queue, and nobody waits behind nobody."""
    gate = Gate(concurrency=1, queue=2)
    entered_s = await gate.enter(1.0)
    first = await begun(gate)
    first.cancel()
    gate.leave(entered_s)
    second = await begun(gate)
    await asyncio.gather(first, return_exceptions=True)
    await second
    assert (gate.in_flight_count, gate.queued_count) == (1, 0)


async def test_a_place_given_to_who_gave_up_is_passed_on() -> None:
    """A call that is cancelled at the moment when its turn comes takes no place with it."""
    gate = Gate(concurrency=1, queue=2)
    entered_s = await gate.enter(1.0)
    waiting = await begun(gate)
    gate.leave(entered_s)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert gate.in_flight_count == 0


async def test_higher_priorities_go_first_and_equals_in_order() -> None:
    """Who waits is let in by priority, then by arrival."""
    gate, order = Gate(concurrency=1, queue=9), []

    async def go(name: str, priority: int) -> None:
        entered_s = await gate.enter(1.0, priority)
        order.append(name)
        gate.leave(entered_s)

    entered_s = await gate.enter(1.0)
    calls = [("batch", -1), ("first", 0), ("second", 0), ("person", 1)]
    tasks = [asyncio.create_task(go(name, priority)) for name, priority in calls]
    await asyncio.sleep(0)
    gate.leave(entered_s)
    await asyncio.gather(*tasks)
    assert order == ["person", "first", "second", "batch"]


async def test_a_full_queue_drops_the_lowest_priority_first() -> None:
    """A call of a higher priority takes the place of the latest one of the lowest."""
    gate = Gate(concurrency=1, queue=3)
    await gate.enter(1.0)
    old, new, usual = await begun(gate, -1), await begun(gate, -1), await begun(gate, 0)
    person = await begun(gate, 1)
    with pytest.raises(TurnedAway) as caught:
        await new
    assert caught.value.why == "shed"
    assert not any(task.done() for task in (old, usual, person))
    await stop(old, usual, person)


async def test_equals_are_not_dropped_for_each_other() -> None:
    """A full queue of equals turns away who comes."""
    gate = Gate(concurrency=1, queue=1)
    await gate.enter(1.0, 1)
    waiting = await begun(gate, 1)
    with pytest.raises(TurnedAway):
        await gate.enter(1.0, 1)
    assert not waiting.done()
    await stop(waiting)


async def test_nobody_waits_in_vain() -> None:
    """A call that would wait longer than it has time is refused at once, and told how long it would be."""
    clock = Clock()
    gate = Gate(concurrency=1, queue=9, clock=clock)
    entered_s = await gate.enter(1.0)
    clock.now_s += 2.0
    gate.leave(entered_s)
    await gate.enter(1.0)
    assert gate.expected_wait_s() == 2.0
    with pytest.raises(TurnedAway) as caught:
        await gate.enter(1.9)
    assert (caught.value.why, caught.value.retry_after_s) == ("too_long_a_wait", 2.0)
    waiting = await begun(gate, timeout_s=60.0)
    assert gate.expected_wait_s() == 4.0
    assert gate.expected_wait_s(priority=1) == 2.0
    await stop(waiting)


async def test_the_longest_wait_can_be_bounded() -> None:
    """``max_wait_s`` holds for who has more time too."""
    clock = Clock()
    gate = Gate(concurrency=1, queue=9, max_wait_s=1.0, clock=clock)
    entered_s = await gate.enter(60.0)
    clock.now_s += 1.5
    gate.leave(entered_s)
    await gate.enter(60.0)
    with pytest.raises(TurnedAway):
        await gate.enter(60.0)


async def test_a_raised_limit_lets_in_who_waits() -> None:
    """Nobody waits for a place that is free since the limit moved; a lowered limit throws nobody out."""
    gate = Gate(concurrency=1, queue=9)
    entered_s = await gate.enter(1.0)
    waiting = await begun(gate)
    gate.limit = 2
    await waiting
    gate.limit = 1
    third = await begun(gate)
    gate.leave(entered_s)
    await asyncio.sleep(0)
    assert (gate.in_flight_count, gate.queued_count) == (1, 1)
    await stop(third)


async def test_dismissed_calls_leave_the_queue_to_others() -> None:
    """After a dismissal the queue is empty, and who comes next is let in as soon as there is room."""
    gate = Gate(concurrency=1, queue=9)
    entered_s = await gate.enter(1.0)
    waiting = [await begun(gate) for _ in range(3)]
    gate.dismiss(lambda: Unavailable("down"))
    gate.leave(entered_s)
    await asyncio.wait_for(gate.enter(1.0), 1.0)
    assert all(isinstance(one, Unavailable) for one in await asyncio.gather(*waiting, return_exceptions=True))
    assert (gate.in_flight_count, gate.queued_count) == (1, 0)


async def test_no_place_is_ever_lost() -> None:
    """Five hundred calls that come, leave, hurry and give up at random: at the end the gate is empty."""
    gate, chance = Gate(concurrency=3, queue=20), random.Random(7)

    async def go() -> None:
        entered_s = await gate.enter(chance.choice((0.0, 0.001, 5.0)), chance.randrange(-1, 2))
        try:
            assert gate.in_flight_count <= 3
            await asyncio.sleep(chance.choice((0.0, 0.001)))
        finally:
            gate.leave(entered_s)

    tasks = []
    for _ in range(500):
        tasks.append(asyncio.create_task(go()))
        if chance.random() < 0.5:
            await asyncio.sleep(0)
        if chance.random() < 0.3:
            chance.choice(tasks).cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert (gate.in_flight_count, gate.queued_count) == (0, 0)
    assert gate.has_room


async def begun(gate: Gate, priority: int = 0, timeout_s: float = 5.0) -> asyncio.Task[float]:
    """A call that waits at the gate."""
    task = asyncio.create_task(gate.enter(timeout_s, priority))
    await asyncio.sleep(0)
    return task


async def stop(*tasks: asyncio.Task[float]) -> None:
    """Let nobody wait any longer."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
