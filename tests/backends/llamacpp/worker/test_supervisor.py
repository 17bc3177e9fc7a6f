"""A supervisor and workers that stall, die or lie: what is asked ends well, or as a typed error."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from backends.errors import BackendError, Overloaded, Unavailable
from backends.llamacpp.options import LlamaCppOptions
from backends.llamacpp.worker.backoff import Backoff
from backends.llamacpp.worker.messages import Embed, Open
from backends.llamacpp.worker.models import KilledWorker
from backends.llamacpp.worker.supervisor import Supervisor
from backends.llamacpp.worker.watch import Patience
from backends.serving.work import Work, Wrote
from backends.types import Sampling

FAKE = Path(__file__).with_name("fake_worker.py")
IMPATIENT = Patience(tick_s=0.05, start_limit_s=20.0, silence_limit_s=0.5, step_limit_s=0.5, load_limit_s=0.5)
OPEN = Open("m", "/m.gguf", LlamaCppOptions(model="m.gguf", sequence_count=2, queue_length=6))

Supervise = Callable[..., Supervisor]


class Fakes:
    """Supervisors of fake workers, closed after the test."""

    def __init__(self, folder: Path) -> None:
        self._lives = folder / "lives"
        self._supervisors: list[Supervisor] = []

    def __call__(self, behaviour: str, patience: Patience = IMPATIENT) -> Supervisor:
        command = (sys.executable, str(FAKE), behaviour, str(self._lives))
        made = Supervisor(command, patience, Backoff(chance=lambda: 0.0))
        self._supervisors.append(made)
        return made

    @property
    def life_count(self) -> int:
        """Workers started so far."""
        return self._lives.stat().st_size if self._lives.exists() else 0

    async def close(self) -> None:
        for each in self._supervisors:
            await each.close()


@pytest.fixture
async def fakes(tmp_path: Path) -> AsyncIterator[Fakes]:
    made = Fakes(tmp_path)
    yield made
    await made.close()


@asynccontextmanager
async def opened(supervisor: Supervisor) -> AsyncIterator[Supervisor]:
    await supervisor.open(OPEN)
    yield supervisor


def work(supervisor: Supervisor, output_limit: int = 6, timeout_s: float | None = None) -> Work:
    deadline_s = None if timeout_s is None else time.monotonic() + timeout_s
    return Work(supervisor.new_id(), (1, 2), Sampling(seed=0), output_limit, deadline_s=deadline_s)


async def answer(supervisor: Supervisor, output_limit: int = 6, timeout_s: float | None = None) -> list[int]:
    """Tokens of a whole answer."""
    tokens: list[int] = []
    with closing(supervisor.submit("m", work(supervisor, output_limit, timeout_s))) as ticket:
        while len(tokens) < output_limit:
            event = await ticket.next()
            if isinstance(event, Wrote):
                tokens.append(event.token)
    return tokens


async def test_an_answer_passes_through(fakes: Fakes) -> None:
    """The worker's events are the ticket's."""
    async with opened(fakes("answers")) as supervisor:
        assert await answer(supervisor) == [0, 1, 2, 3, 4, 5]
    assert fakes.life_count == 1


@pytest.mark.parametrize(
    "behaviour", ["dies_once", "stops", "makes_no_step", "sends_a_bad_length", "sends_nonsense"]
)
async def test_an_answer_goes_on_after_its_worker_failed(fakes: Fakes, behaviour: str) -> None:
    """However the first worker fails in the middle, the second goes on at the next token."""
    async with opened(fakes(behaviour)) as supervisor:
        assert await answer(supervisor) == [0, 1, 2, 3, 4, 5]
        assert supervisor.death_count == 1
    assert fakes.life_count == 2


async def test_all_answers_go_on(fakes: Fakes) -> None:
    """Those that wrote and those that waited are all sent again."""
    async with opened(fakes("dies_once")) as supervisor:
        answers = await asyncio.gather(*(answer(supervisor) for _ in range(8)))
    assert answers == [[0, 1, 2, 3, 4, 5]] * 8


async def test_an_order_that_kills_twice_is_failed(fakes: Fakes) -> None:
    """It may be the poison: it is not sent a third time."""
    async with opened(fakes("dies_always")) as supervisor:
        with pytest.raises(Unavailable, match=r"died twice on this request \(the last one died by SIGKILL\)"):
            await answer(supervisor)
        assert await answer(supervisor, output_limit=3) == [0, 1, 2]


async def test_an_order_that_kills_before_it_begins_is_failed_too(fakes: Fakes) -> None:
    """Where nothing had begun, those that were sent are suspected."""
    async with opened(fakes("dies_unbegun")) as supervisor:
        with pytest.raises(Unavailable, match="died twice on this request"):
            await answer(supervisor)


async def test_orders_that_only_waited_are_not_suspected(fakes: Fakes) -> None:
    """A worker killed from outside takes those that it was writing one step nearer to failure, no others."""
    async with opened(fakes("answers")) as supervisor:
        waiting = supervisor.submit("m", work(supervisor))
        waiting.has_begun = False
        running = supervisor.submit("m", work(supervisor))
        running.has_begun = True
        supervisor._mourn("died")
        assert (waiting.death_count, running.death_count) == (0, 1)


async def test_embeddings_are_asked_for_again(fakes: Fakes) -> None:
    """An order with one reply survives a death as an answer does."""
    async with opened(fakes("dies_once")) as supervisor:
        reply = await supervisor.call(Embed("m", supervisor.new_id(), ((1,), (2,))))
    assert reply.vectors == ((1.0, 0.0), (1.0, 0.0))


async def test_a_model_whose_load_kills_twice_is_failed(fakes: Fakes) -> None:
    """Opening it raises, and no third worker is started for it."""
    supervisor = fakes("dies_on_loading")
    with pytest.raises(KilledWorker, match=r"died twice on loading /m.gguf"):
        await supervisor.open(OPEN)
    await asyncio.sleep(0.3)
    assert fakes.life_count == 2


async def test_a_worker_that_cannot_start_is_said_to(fakes: Fakes) -> None:
    """The error tells the exit status and what it complained of."""
    supervisor = fakes("exits_at_once")
    with pytest.raises(Unavailable, match=r"ended with exit status 1: ImportError: there is no llama here"):
        await supervisor.open(OPEN)


async def test_a_worker_that_never_speaks_is_given_up(fakes: Fakes) -> None:
    """A process that starts and says nothing is killed and told of."""
    patience = Patience(tick_s=0.05, start_limit_s=0.3)
    with pytest.raises(Unavailable, match="gave no sign of life"):
        await fakes("is_mute", patience).open(OPEN)


async def test_a_command_that_does_not_exist_is_unavailable() -> None:
    """What the system says about it is in the error."""
    supervisor = Supervisor(("/does/not/exist",), backoff=Backoff(chance=lambda: 0.0))
    with pytest.raises(Unavailable, match="No such file"):
        await supervisor.open(OPEN)
    await supervisor.close()


async def test_the_deadline_runs_on_while_nobody_answers(fakes: Fakes) -> None:
    """A request does not wait for a worker longer than it may."""
    async with opened(fakes("keeps_waiting")) as supervisor:
        with pytest.raises(TimeoutError):
            await answer(supervisor, timeout_s=0.1)
        assert supervisor._tickets == {}


async def test_too_many_are_turned_away(fakes: Fakes) -> None:
    """The bound holds in the service, so it holds while there is no worker too."""
    async with opened(fakes("keeps_waiting")) as supervisor:
        tickets = [supervisor.submit("m", work(supervisor)) for _ in range(8)]
        with pytest.raises(Overloaded, match="8 requests run or wait"):
            supervisor.submit("m", work(supervisor))
        tickets[0].close()
        supervisor.submit("m", work(supervisor))


async def test_closing_fails_what_is_under_way(fakes: Fakes) -> None:
    """Nobody is left waiting."""
    async with opened(fakes("keeps_waiting")) as supervisor:
        asking = asyncio.create_task(answer(supervisor))
        await asyncio.sleep(0)
        await supervisor.close()
        with pytest.raises(Unavailable, match="closed"):
            await asking
        await supervisor.close()


async def test_closing_ends_the_process(fakes: Fakes) -> None:
    """No worker outlives its supervisor."""
    async with opened(fakes("answers")) as supervisor:
        process_id = supervisor.process_id
        await supervisor.close()
        assert process_id is not None
        with pytest.raises(ProcessLookupError):
            os.kill(process_id, 0)


async def test_health_follows(fakes: Fakes) -> None:
    """Ready, restarting with the reason of the death, failed with the error."""
    supervisor = fakes("answers")
    assert supervisor.health("m").state == "failed"
    await supervisor.open(OPEN)
    assert supervisor.health("m").state == "ready"
    process_id = supervisor.process_id
    assert process_id is not None
    os.kill(process_id, 9)
    while supervisor.health("m").state == "ready":
        await asyncio.sleep(0.01)
    assert supervisor.health("m").state == "restarting"
    assert await answer(supervisor, 2) == [0, 1]
    assert supervisor.health("m").state == "ready"


async def test_a_model_that_worked_before_gets_another_chance(
    fakes: Fakes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After its reprieve the next request has it loaded once more."""
    now_s = time.monotonic()
    async with opened(fakes("answers")) as supervisor:
        model = supervisor._models["m"]
        for _ in range(2):
            supervisor._charge(model, Unavailable("it died"))
        with pytest.raises(BackendError, match="it died"):
            supervisor.submit("m", work(supervisor))
        assert supervisor.health("m").state == "failed"
        supervisor._clock = lambda: now_s + 1e6
        assert await answer(supervisor, 2) == [0, 1]
        assert supervisor.health("m").state == "ready"
