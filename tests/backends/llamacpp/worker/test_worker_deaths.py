"""Real workers that are killed, stopped, starved or orphaned in the middle of real answers."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from contextlib import aclosing, closing
from pathlib import Path

import pytest

from backends.errors import Unavailable
from backends.llamacpp.backend import LlamaCppBackend
from backends.llamacpp.options import LlamaCppOptions
from backends.llamacpp.worker.messages import Open
from backends.llamacpp.worker.supervisor import Supervisor
from backends.llamacpp.worker.watch import Patience
from backends.serving.work import Work, Wrote
from backends.types import Sampling
from tests.backends.llamacpp.asking import (
    answers_under_way,
    ask,
    process_of,
    started,
    supervisor_of,
    texts,
    write,
)

PROMPTS = [ask(f"the quick {number}", limit=200) for number in range(6)] + [
    ask("the lazy", limit=200, temperature=0.8, seed=number) for number in range(2)
]
IMPATIENT = Patience(tick_s=0.1, silence_limit_s=0.5)


async def written(backend: LlamaCppBackend, token_count: int) -> None:
    """Wait until the worker has written that much of all that is under way."""
    while sum(len(ticket.written) for ticket in answers_under_way(backend)) < token_count:
        await asyncio.sleep(0.001)


async def test_a_worker_killed_in_mid_batch_is_not_noticed(tiny_gguf: Path) -> None:
    """Eight streams, greedy and seeded, end with the words of an undisturbed run, after kill -9."""
    async with started(tiny_gguf) as backend:
        undisturbed = await texts(backend, PROMPTS)
        answering = asyncio.create_task(texts(backend, PROMPTS))
        await written(backend, 100)
        os.kill(process_of(backend), signal.SIGKILL)
        assert await answering == undisturbed
        assert supervisor_of(backend).death_count == 1


async def test_killed_again_and_again_all_end_typed(tiny_gguf: Path) -> None:
    """Who has seen two workers die fails as Unavailable; the worker is back for the next."""
    async with started(tiny_gguf) as backend:
        answers = [asyncio.create_task(write(backend, prompt)) for prompt in PROMPTS]
        for _ in range(2):
            await written(backend, 50)
            os.kill(process_of(backend), signal.SIGKILL)
            while supervisor_of(backend).process_id is not None:
                await asyncio.sleep(0.001)
            for ticket in answers_under_way(backend):
                ticket.written.clear()
        outcomes = await asyncio.gather(*answers, return_exceptions=True)
        assert all(isinstance(outcome, tuple | Unavailable) for outcome in outcomes)
        assert any(isinstance(outcome, Unavailable) for outcome in outcomes)
        assert (await write(backend, ask("x", limit=3)))[1]
        assert backend.health.state == "ready"


async def test_a_stopped_worker_is_replaced(tiny_gguf: Path) -> None:
    """One that neither dies nor lives is killed after its silence, and its answer goes on."""
    options = LlamaCppOptions(model=str(tiny_gguf), thread_count=1)
    supervisor = Supervisor(patience=IMPATIENT)
    await supervisor.open(Open("m", str(tiny_gguf), options))
    tokens: list[int] = []
    with closing(supervisor.submit("m", Work(supervisor.new_id(), (7, 8), Sampling(seed=0), 300))) as ticket:
        while len(tokens) < 300:
            event = await ticket.next()
            if isinstance(event, Wrote):
                tokens.append(event.token)
            if len(tokens) == 20 and supervisor.death_count == 0 and supervisor.process_id is not None:
                os.kill(supervisor.process_id, signal.SIGSTOP)
    await supervisor.close()
    assert supervisor.death_count == 1


async def test_an_embedding_survives_too(tiny_gguf: Path) -> None:
    """What had one reply to come is asked for again."""
    async with started(tiny_gguf) as backend:
        before = await backend.embed(["the quick"])
        embedding = asyncio.create_task(backend.embed(["the quick"]))
        await asyncio.sleep(0)
        os.kill(process_of(backend), signal.SIGKILL)
        assert await embedding == before


async def test_requests_wait_while_the_worker_comes_back(tiny_gguf: Path) -> None:
    """Those that come between two lives are answered, within their deadline or not at all."""
    async with started(tiny_gguf) as backend:
        os.kill(process_of(backend), signal.SIGKILL)
        while backend.health.state == "ready":
            await asyncio.sleep(0.001)
        assert (await write(backend, ask("x", limit=3), timeout_s=20))[1]


async def test_an_idle_worker_that_dies_is_back_in_seconds(tiny_gguf: Path) -> None:
    """Nobody has to ask for it."""
    async with started(tiny_gguf) as backend:
        first = process_of(backend)
        os.kill(first, signal.SIGKILL)
        async with asyncio.timeout(60):
            while supervisor_of(backend).process_id in {None, first} or backend.health.state != "ready":
                await asyncio.sleep(0.01)


async def test_tiers_of_one_worker_share_a_process(tiny_gguf: Path) -> None:
    """Two backends that name the same worker have one; it ends with the last of them."""
    async with started(tiny_gguf, worker="shared") as one:
        async with started(tiny_gguf, worker="shared") as other:
            process_id = process_of(one)
            assert process_of(other) == process_id
            assert await texts(one, PROMPTS[:2]) == await texts(other, PROMPTS[:2])
        assert (await write(one, ask("x", limit=3)))[1]
    with pytest.raises(ProcessLookupError):
        os.kill(process_id, 0)


async def test_others_have_their_own(tiny_gguf: Path) -> None:
    """Unnamed workers are not shared, so one death is one tier's."""
    async with started(tiny_gguf) as one, started(tiny_gguf) as other:
        assert process_of(one) != process_of(other)


ORPHAN = """
import asyncio, os, signal, sys
from pathlib import Path
from tests.backends.llamacpp.asking import ask, process_of, started

async def main():
    async with started(Path(sys.argv[1])) as backend:
        stream = backend.stream(ask("the quick", limit=2000))
        await anext(stream)
        print(process_of(backend), flush=True)
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


def test_a_worker_does_not_outlive_its_service(tiny_gguf: Path) -> None:
    """When the service is killed in the middle of an answer, the worker ends by itself."""
    root = Path(__file__).parents[4]
    service = subprocess.run(
        [sys.executable, "-c", ORPHAN, str(tiny_gguf)], cwd=root, capture_output=True, text=True, check=False
    )
    assert service.returncode == -signal.SIGKILL, service.stderr
    worker = int(service.stdout)
    for _ in range(200):
        if not is_running(worker):
            return
        time.sleep(0.01)
    raise AssertionError("the worker was still there after 2 s")


async def test_a_signal_to_the_whole_group_leaves_the_worker(tiny_gguf: Path) -> None:
    """Ctrl-C and SIGTERM are the service's to act upon: what runs is finished first."""
    async with started(tiny_gguf) as backend:
        async with aclosing(backend.stream(ask("the quick", limit=300))) as stream:
            await anext(stream)
            for number in (signal.SIGINT, signal.SIGTERM):
                os.kill(process_of(backend), number)
            assert len([item async for item in stream]) == 300
        assert supervisor_of(backend).death_count == 0


def is_running(process_id: int) -> bool:
    """Whether a process exists and is not only waiting for its parent to take note of its end."""
    try:
        return Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
