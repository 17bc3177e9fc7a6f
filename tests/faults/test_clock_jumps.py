"""Clocks that jump: a machine that slept, a wall clock that was set."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from router.errors import RoutingError
from router.events import Result
from router.journal import SqliteJournal, read_journal
from router.resilience.gate import Gate
from router.resilience.guard import Guard
from tests.faults.house import DEADLINE_S
from tests.router.conftest import House, ask, echo_tier

_HOUR_S = 3600.0


class JumpyClock:
    """Goes on by a little at every look, and now and then by a lot."""

    def __init__(self, seed: int, *, back: bool) -> None:
        self._chance = random.Random(seed)
        self._back = back
        self._now_s = 1_000_000.0

    def __call__(self) -> float:
        """The time."""
        self._now_s += 0.0001
        if self._chance.random() < 0.1:
            self._now_s += self._chance.choice((-_HOUR_S, _HOUR_S) if self._back else (0.1, _HOUR_S))
        return self._now_s


@pytest.mark.parametrize("back", [False, True])
async def test_requests_end_whatever_the_clock_says(back: bool) -> None:
    """A clock that jumps, even backwards, may end a request early, and never leaves one hanging."""
    ends = []
    for seed in range(40):
        clock = JumpyClock(seed, back=back)
        tiers = [echo_tier("edge", logprob=-3.0), echo_tier("frontier", fail="unavailable"), echo_tier("top")]
        for one in tiers:
            _set_clock(one.guard, one.gate, clock)
        house = House(tiers, clock=clock)
        try:
            async with asyncio.timeout(DEADLINE_S):
                ends.append((await house.result(ask(timeout_s=1.0))).text)
        except RoutingError as error:
            ends.append(error.reason)
        assert [one.gate.in_flight_count for one in tiers] == [0, 0, 0]
    assert "two words" in ends
    assert back or set(ends) == {"two words", "DEADLINE_EXCEEDED"}


def _set_clock(guard: Guard, gate: Gate, clock: Callable[[], float]) -> None:
    guard.clock = guard.breaker._clock = gate._clock = clock


async def test_a_wall_clock_that_is_set_loses_no_entry(tmp_path: Path) -> None:
    """The journal takes the time as it is told, forwards and backwards, and keeps every entry."""
    path, clock = tmp_path / "journal.sqlite", JumpyClock(1, back=True)
    journal = SqliteJournal(path, clock=clock)
    house = House([echo_tier("edge")])
    house.journal = journal  # type: ignore[assignment]
    await journal.start()
    router = house.router()
    for number in range(50):
        events = [event async for event in router.run(ask(id=f"r{number}"))]
        assert isinstance(events[-1], Result)
    await journal.close()
    records = list(read_journal(path))
    assert {record.request_id for record in records} == {f"r{number}" for number in range(50)}
    assert max(record.time_s for record in records) - min(record.time_s for record in records) > _HOUR_S
