"""What the ending of a call says about its tier."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext, suppress

import pytest

from backends.errors import BackendError, ContextTooLong, Overloaded, Refused, TimedOut, Unavailable
from router.resilience.breaker import Circuit
from router.resilience.call import Call
from router.resilience.gate import Gate
from router.resilience.guard import Guard
from router.resilience.happenings import CallTurnedAway, CircuitMoved, Happening, LimitMoved
from router.resilience.refusals import CircuitOpen, TurnedAway
from router.resilience.settings import Adapting, Breaking, Resilience, Retrying
from tests.router.resilience.clock import Clock

SETTINGS = Resilience(Retrying(max_count=1), Breaking(min_call_count=2, open_s=5.0), Adapting(enabled=True))


@pytest.fixture
def clock() -> Clock:
    """The time."""
    return Clock()


@pytest.fixture
def guard(clock: Clock) -> Guard:
    """A door that two failures shut."""
    gate = Gate(concurrency=4, queue=4, clock=clock)
    return Guard("edge", gate, SETTINGS, typical_latency_s=1.0, clock=clock)


async def call(guard: Guard, error: BaseException | None = None) -> bool:
    """Make a call that ends in ``error``; say whether it may be repeated."""
    made = Call(guard, 1.0)
    with suppress(BaseException) if error is not None else nullcontext():
        async with made:
            if error is not None:
                raise error
    return made.may_repeat


@pytest.mark.parametrize("error", [Unavailable("down"), RuntimeError("a bug")])
async def test_failures_shut_the_door(guard: Guard, error: BaseException) -> None:
    """A tier that fails is left alone, and who comes is told until when."""
    assert [await call(guard, error) for _ in range(2)] == [True, True]
    assert guard.why_closed() == "circuit_open"
    with pytest.raises(CircuitOpen) as caught:
        await call(guard)
    assert caught.value.retry_after_s == 5.0


@pytest.mark.parametrize(
    "error",
    [Refused("no"), ContextTooLong("long"), asyncio.CancelledError(), GeneratorExit(), Overloaded("429")],
)
async def test_what_is_no_fault_of_the_tier_shuts_nothing(guard: Guard, error: BaseException) -> None:
    """Refusals, callers that leave and a tier that is full are no sign of illness."""
    for _ in range(9):
        await call(guard, error)
    assert guard.breaker.circuit is Circuit.CLOSED


@pytest.mark.parametrize(("silence_s", "circuit"), [(0.5, Circuit.CLOSED), (1.0, Circuit.OPEN)])
async def test_time_that_ran_out_counts_only_after_a_long_silence(
    guard: Guard, clock: Clock, silence_s: float, circuit: Circuit
) -> None:
    """A caller in a hurry says nothing about the tier; a silence in which it usually answers does."""
    for _ in range(2):
        made = Call(guard, 9.0)
        await made.__aenter__()
        made.heard()
        clock.now_s += silence_s
        await made.__aexit__(TimedOut, TimedOut("over"), None)
    assert guard.breaker.circuit is circuit


async def test_a_tier_that_asks_for_rest_is_not_called(guard: Guard, clock: Clock) -> None:
    """After a Retry-After nobody calls; who tries may wait for it, for no call was made."""
    assert await call(guard, Overloaded("429", retry_after_s=2.0))
    made = Call(guard, 1.0)
    with pytest.raises(TurnedAway) as caught:
        await made.__aenter__()
    assert (caught.value.why, caught.value.retry_after_s, made.may_repeat) == ("resting", 2.0, True)
    assert guard.why_closed() is None
    clock.now_s += 2.0
    await call(guard)


async def test_who_waits_is_told_when_the_door_shuts(clock: Clock) -> None:
    """Nobody waits in the queue of a tier that is left alone."""
    gate = Gate(concurrency=2, queue=4, clock=clock)
    guard = Guard("edge", gate, SETTINGS, typical_latency_s=1.0, clock=clock)
    running = [Call(guard, 9.0) for _ in range(2)]
    for one in running:
        await one.__aenter__()
    waiting = asyncio.create_task(call(guard))
    await asyncio.sleep(0)
    for one in running:
        await one.__aexit__(Unavailable, Unavailable("down"), None)
    with pytest.raises(CircuitOpen):
        await waiting
    assert (gate.in_flight_count, gate.queued_count) == (0, 0)


async def test_listeners_hear_what_happens(guard: Guard, clock: Clock) -> None:
    """Circuits that move and calls that are turned away are told; a listener that breaks hurts nobody."""
    told: list[Happening] = []
    guard.listeners.add(broken)
    guard.listeners.add(told.append)
    for _ in range(2):
        await call(guard, Unavailable("down"))
    with pytest.raises(BackendError):
        await call(guard)
    clock.now_s += 5.0
    await call(guard)
    assert told == [
        CircuitMoved("edge", Circuit.OPEN),
        CallTurnedAway("edge", "circuit_open", 0),
        CircuitMoved("edge", Circuit.CLOSED),
    ]


def broken(happening: Happening) -> None:
    """Listen, and break."""
    raise RuntimeError(str(happening))


async def test_overload_lowers_the_limit(guard: Guard) -> None:
    """A tier that says that it is full runs fewer at once."""
    told: list[Happening] = []
    guard.listeners.add(told.append)
    await call(guard, Overloaded("429"))
    assert told == [LimitMoved("edge", 3)]
    assert guard.gate.limit == guard.health().concurrency_limit == 3
