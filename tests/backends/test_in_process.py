"""What every in-process backend has in common, on an engine that counts its steps."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from backends.errors import BackendError, ContextTooLong, Overloaded, TimedOut, Unavailable
from backends.in_process import InProcessBackend
from backends.load import Load
from backends.serving.work import Began, Event, Failed, Work, Wrote
from backends.types import Capabilities, Completion, Message, Prompt, Role, Sampling, TokenLogprob, Usage

PLACES = 3
PROMPT = Prompt((Message(Role.USER, "a b c"),))


class CountingEngine:
    """Writes "x" to all who ask, up to their limits; may wait at a gate before each step, or fail in it."""

    context_token_count = 1000

    def __init__(self, gate: threading.Event | None = None, error: Exception | None = None) -> None:
        self.step_count = 0
        self.closed = False
        self.error = error
        self._gate = gate
        self._works: dict[int, Work] = {}
        self._written: Counter[int] = Counter()

    @property
    def has_work(self) -> bool:
        return bool(self._works)

    def encode(self, prompt: Prompt) -> list[int]:
        return list(range(len(prompt.text.split())))

    def submit(self, work: Work) -> None:
        if len(self._works) >= PLACES:
            raise Overloaded("full")
        self._works[work.id] = work

    def cancel(self, id: int) -> None:  # noqa: A002
        self._works.pop(id, None)

    def step(self) -> list[Event]:
        if self._gate is not None:
            self._gate.wait(5)
        began = [Began(id_, 0) for id_ in self._works if id_ not in self._written]
        self._written.update(tuple(self._works))
        if isinstance(self.error, BackendError):
            failed = [Failed(id_, self.error) for id_ in self._works]
            self._works.clear()
            return [*began, *failed]
        if self.error is not None:
            raise self.error
        self.step_count += 1
        wrote = [Wrote(id_, 7, TokenLogprob("x", -0.1)) for id_ in self._works]
        self._works = {i: work for i, work in self._works.items() if self._written[i] < work.output_limit}
        return [*began, *wrote]

    def load(self) -> Load:
        return Load(len(self._works), 0, PLACES)

    def close(self) -> None:
        self.closed = True


class Turnstile(threading.Event):
    """Lets as many steps through as it was told."""

    def __init__(self) -> None:
        super().__init__()
        self._steps = threading.Semaphore(0)

    def let(self, count: int) -> None:
        self._steps.release(count)

    def wait(self, timeout: float | None = None) -> bool:
        return self._steps.acquire(timeout=timeout)


@asynccontextmanager
async def started(engine: CountingEngine, *, limit: int = 900) -> AsyncIterator[InProcessBackend]:
    """A started backend over ``engine``."""
    backend = InProcessBackend(lambda: engine, Capabilities("fake", max_output_token_count=limit))
    await backend.start()
    try:
        yield backend
    finally:
        await backend.close()


async def test_stops_the_engine_when_the_stream_is_closed() -> None:
    """Behind a closed stream the engine takes at most the step that it is in."""
    gate = Turnstile()
    engine = CountingEngine(gate)
    async with started(engine) as backend:
        gate.let(1)
        stream = backend.stream(PROMPT)
        await anext(stream)
        await stream.aclose()
        gate.let(100)
    assert engine.step_count <= 2


async def test_a_request_that_timed_out_before_it_began_has_no_usage() -> None:
    """Waiting for the step that runs counts as time, but costs nothing."""
    gate = Turnstile()
    async with started(CountingEngine(gate)) as backend:
        first = asyncio.create_task(anext(backend.stream(PROMPT)))
        await asyncio.sleep(0)
        with pytest.raises(TimedOut) as caught:
            await anext(backend.stream(PROMPT, timeout_s=0.02))
        gate.let(100)
        await first
    assert caught.value.usage == Usage()


async def test_answers_share_the_steps() -> None:
    """Two answers of five tokens take no more steps than one and what its head start was."""
    engine = CountingEngine(Turnstile())
    prompt = Prompt(PROMPT.messages, Sampling(max_output_token_count=5))
    async with started(engine) as backend:
        streams = [asyncio.create_task(_drain(backend, prompt)) for _ in range(2)]
        await asyncio.sleep(0.01)
        assert isinstance(engine._gate, Turnstile)
        engine._gate.let(100)
        await asyncio.gather(*streams)
    assert engine.step_count < 10


async def test_who_does_not_fit_is_turned_away() -> None:
    """The engine's refusal reaches the one caller, and the load says why."""
    gate = Turnstile()
    async with started(CountingEngine(gate)) as backend:
        streams = [asyncio.create_task(anext(backend.stream(PROMPT))) for _ in range(PLACES)]
        await asyncio.sleep(0.01)
        gate.let(1)
        await asyncio.gather(*streams)
        gate.let(1)
        with pytest.raises(Overloaded):
            await _drain(backend)
        gate.let(100)
        assert backend.load is not None
        assert backend.load.free_slot_count == 0


async def test_an_engine_with_a_fault_fails_all_and_serves_again(caplog: pytest.LogCaptureFixture) -> None:
    """What the engine did not foresee ends the answers under way, is logged, and nothing else."""
    engine = CountingEngine(error=ZeroDivisionError())
    async with started(engine) as backend:
        with pytest.raises(Unavailable, match="ZeroDivisionError"):
            await _drain(backend)
        engine.error = None
        assert await anext(backend.stream(PROMPT))
    assert "a step of fake failed" in caplog.text


async def test_closing_fails_what_runs_and_what_waits() -> None:
    """A stream whose backend closes raises Unavailable instead of ending early."""
    gate = threading.Event()
    async with started(CountingEngine(gate)) as backend:
        streams = [asyncio.create_task(_drain(backend)) for _ in range(2)]
        await asyncio.sleep(0.01)
        gate.set()
        await backend.close()
        results = await asyncio.gather(*streams, return_exceptions=True)
    assert [type(result) for result in results] == [Unavailable, Unavailable]


async def _drain(backend: InProcessBackend, prompt: Prompt = PROMPT) -> None:
    async for _ in backend.stream(prompt):
        pass


async def test_is_unavailable_before_and_after() -> None:
    """A stream of a backend that is not started, or closed, raises Unavailable; so does starting it again."""
    backend = InProcessBackend(CountingEngine, Capabilities("fake"))
    with pytest.raises(Unavailable, match="not been started"):
        await _drain(backend)
    await backend.close()
    with pytest.raises(Unavailable, match="closed"):
        await _drain(backend)
    with pytest.raises(Unavailable, match="closed"):
        await backend.start()


async def test_a_failing_engine_passes_its_error_on_and_serves_again() -> None:
    """The engine's error reaches the caller with the usage, and is not the end of the backend."""
    engine = CountingEngine(error=Unavailable("no memory"))
    async with started(engine) as backend:
        with pytest.raises(Unavailable, match="no memory") as caught:
            await _drain(backend)
        engine.error = None
        assert await anext(backend.stream(PROMPT))
    assert caught.value.usage == Usage(3, 0)


async def test_the_context_bounds_the_answer() -> None:
    """An answer is cut where the context ends; a prompt that fills it leaves no room."""
    async with started(CountingEngine(), limit=5000) as backend:
        items = [item async for item in backend.stream(PROMPT)]
        with pytest.raises(ContextTooLong, match="1000 tokens and the context 1000"):
            await anext(backend.stream(Prompt((Message(Role.USER, "w " * 1000),))))
    assert isinstance(items[-1], Completion)
    assert items[-1].usage == Usage(3, 997)


async def test_frees_the_engine_of_a_start_that_was_cancelled() -> None:
    """A model that finished loading when nobody waited any more is freed by close."""
    engine, gate = CountingEngine(), threading.Event()

    def load() -> CountingEngine:
        gate.wait(5)
        return engine

    backend = InProcessBackend(load, Capabilities("fake"))
    start = asyncio.create_task(backend.start())
    await asyncio.sleep(0.01)
    start.cancel()
    gate.set()
    await backend.close()
    assert engine.closed


async def test_a_start_after_one_that_was_cancelled_loads_nothing_twice() -> None:
    """The model that is on its way already is the one that serves."""
    gate, engines = threading.Event(), []

    def load() -> CountingEngine:
        engines.append(CountingEngine())
        gate.wait(5)
        return engines[-1]

    backend = InProcessBackend(load, Capabilities("fake"))
    start = asyncio.create_task(backend.start())
    await asyncio.sleep(0.01)
    start.cancel()
    again = asyncio.create_task(backend.start())
    await asyncio.sleep(0.01)
    gate.set()
    await again
    assert await anext(backend.stream(PROMPT))
    await backend.close()
    assert [engine.closed for engine in engines] == [True]


async def test_a_start_that_failed_can_be_tried_again() -> None:
    """What was not there the first time may be there the next."""
    faults: list[Exception] = [Unavailable("not yet")]

    def load() -> CountingEngine:
        if faults:
            raise faults.pop()
        return CountingEngine()

    backend = InProcessBackend(load, Capabilities("fake"))
    with pytest.raises(Unavailable, match="not yet"):
        await backend.start()
    await backend.start()
    assert await anext(backend.stream(PROMPT))
    await backend.close()


async def test_sampling_reaches_the_limit_of_the_caller() -> None:
    """The smaller of the caller's and the tier's limit holds."""
    async with started(CountingEngine(), limit=4) as backend:
        prompt = Prompt(PROMPT.messages, Sampling(max_output_token_count=2))
        assert len([item async for item in backend.stream(prompt)]) == 2 + 1
        assert len([item async for item in backend.stream(PROMPT)]) == 4 + 1
