"""Models that run here and hang, or whose process dies."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from backends.in_process import InProcessBackend
from backends.load import Load
from backends.serving.work import Event, Work, Wrote
from backends.types import Capabilities, Prompt, TokenLogprob
from router.errors import DeadlineExceeded
from router.events import Result
from router.resilience.settings import Breaking, Resilience
from router.tiers import Limits, Price, Tier
from tests.faults.house import answer_of, end_of, request, routing, sound_tier, tier
from tests.router.conftest import House, ask, echo_tier

MODEL = Path(__file__).parents[2] / "examples" / "pocket" / "weights" / "edge.gguf"


class HungEngine:
    """Computes its ``steps``-th token for ever, on its own thread, deaf to everything but ``released``."""

    context_token_count = 1000

    def __init__(self, steps: int) -> None:
        self.released = threading.Event()
        self._steps = steps
        self._works: dict[int, Work] = {}

    @property
    def has_work(self) -> bool:
        """Whether anybody waits."""
        return bool(self._works)

    def encode(self, prompt: Prompt) -> list[int]:
        """One token a word."""
        return list(range(len(prompt.text.split())))

    def submit(self, work: Work) -> None:
        """Take it on."""
        self._works[work.id] = work

    def cancel(self, id: int) -> None:  # noqa: A002
        """Forget it."""
        self._works.pop(id, None)

    def step(self) -> list[Event]:
        """Say a few words to all, then hang."""
        if self._steps == 0:
            self.released.wait(30.0)
        self._steps -= 1
        return [Wrote(id_, 7, TokenLogprob("x ", -0.1)) for id_ in self._works]

    def load(self) -> Load:
        """Never full."""
        return Load(len(self._works), 0, 100)

    def close(self) -> None:
        """Do nothing."""


@pytest.mark.parametrize("steps", [0, 3])
async def test_a_hung_model_holds_nobody_up(steps: int) -> None:
    """Requests leave it in time for the next tier, and after a few it is not asked any more."""
    engine = HungEngine(steps)
    backend = InProcessBackend(lambda: engine, Capabilities("hung", max_output_token_count=100))
    await backend.start()
    breaker = Breaking(min_call_count=2, open_s=60.0)
    limits = Limits(timeout_s=0.1, typical_latency_s=0.05, resilience=Resilience(breaker=breaker))
    router = House([Tier("hung", "hung", backend, Price(), limits), echo_tier("sound")]).router()
    tried = []
    for number in range(5):
        events = [event async for event in router.run(ask(id=f"r{number}", timeout_s=2.0))]
        result = events[-1]
        assert isinstance(result, Result)
        assert result.tier == "sound"
        tried.append([attempt.tier for attempt in result.attempts])
    assert tried[-1] == ["sound"]
    engine.released.set()
    await backend.close()


async def test_a_hung_model_alone_is_a_deadline() -> None:
    """Where nobody else may answer, the request ends typed when its time is over."""
    engine = HungEngine(0)
    backend = InProcessBackend(lambda: engine, Capabilities("hung", max_output_token_count=100))
    await backend.start()
    house = House([Tier("hung", "hung", backend, Price(), Limits())])
    with pytest.raises(DeadlineExceeded):
        await house.result(ask(timeout_s=0.1))
    engine.released.set()
    await backend.close()


def children() -> set[int]:
    """Processes that this one started."""
    found: set[int] = set()
    for task in Path("/proc/self/task").iterdir():
        with suppress(OSError):
            found |= {int(pid) for pid in (task / "children").read_text().split()}
    return found


@pytest.mark.engines
async def test_a_killed_engine_fails_nobody() -> None:
    """Kill -9 of llama.cpp's worker, over and over under load: every request is answered; then it is back."""
    before = children()
    options = {"model": str(MODEL), "thread_count": 1, "sequence_count": 4, "max_output_token_count": 40}
    limits = {"typical_latency_s": 0.5, "timeout_s": 8.0, "concurrency": 4}
    edge = tier("edge", "llamacpp", options=options, limits=limits)
    async with asyncio.timeout(110.0), routing(edge, sound_tier()) as router:
        asked = request("What is 48 + 77?", timeout_s=60.0)
        running = [asyncio.create_task(answer_of(router, asked)) for _ in range(12)]
        for _ in range(3):
            while not (workers := children() - before):
                await asyncio.sleep(0.01)
            for pid in workers:
                os.kill(pid, signal.SIGKILL)
            await asyncio.sleep(0.2)
        results = await asyncio.gather(*running)
        assert {result.tier for result in results} <= {"edge", "sound"}
        while not isinstance(await end_of(router, request("What is 1 + 1?", policy="first")), Result):
            await asyncio.sleep(0.1)
