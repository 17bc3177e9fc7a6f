"""Models that share a worker and its memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from backends.errors import TimedOut, Unavailable
from backends.llamacpp.backend import LlamaCppBackend
from tests.backends.llamacpp.asking import (
    answers_under_way,
    ask,
    process_of,
    started,
    supervisor_of,
    texts,
    write,
)
from tests.backends.llamacpp.engine.conftest import _write_adapter

# With 4 sequences of 2,048 tokens the tiny model takes 2.1 MiB, so 3 MiB hold one of them and 5 hold two.
# Answers take their time there: a random model repeats itself, and would be guessed.
SHARED = {"worker": "fleet", "sequence_count": 4, "prefix_cache_mib": 0, "speculation": "off"}
PROMPTS = [ask(f"the quick {number}", limit=30) for number in range(6)]


@pytest.fixture
async def pair(tiny_gguf: Path) -> AsyncIterator[tuple[LlamaCppBackend, LlamaCppBackend]]:
    """Two models in one worker, whose memory holds one of them."""
    async with AsyncExitStack() as stack:
        made = [
            await stack.enter_async_context(started(tiny_gguf, memory_limit_mib=3, **SHARED))
            for _ in range(2)
        ]
        yield made[0], made[1]


def loads_of(backend: LlamaCppBackend) -> list[str]:
    """Models that the backend's worker has loaded, in order, from now on."""
    seen: list[str] = []
    watch = supervisor_of(backend)._watch
    note = watch.opening

    def opening(model: str) -> None:
        seen.append(model)
        note(model)

    watch.opening = opening  # type: ignore[method-assign]
    return seen


async def test_an_unloaded_model_is_loaded_again_when_asked(
    pair: tuple[LlamaCppBackend, LlamaCppBackend],
) -> None:
    """The memory holds one at a time; the request waits for the load and is answered as ever."""
    one, other = pair
    loads = loads_of(one)
    first, _ = await write(one, PROMPTS[0])
    assert (await write(other, PROMPTS[0]))[0] == first
    assert (await write(other, PROMPTS[0]))[0] == first
    assert (await write(one, PROMPTS[0]))[0] == first
    assert [name == one._lease.model for name in loads if one._lease] == [True, False, True]


async def test_two_busy_models_take_turns(pair: tuple[LlamaCppBackend, LlamaCppBackend]) -> None:
    """Neither starves: each completes what it has begun, then leaves for the other."""
    one, other = pair
    alone = await texts(one, PROMPTS)
    together = await asyncio.gather(texts(one, PROMPTS), texts(other, PROMPTS), texts(one, PROMPTS))
    assert list(together) == [alone] * 3


async def test_a_model_comes_back_with_its_adapters(
    pair: tuple[LlamaCppBackend, LlamaCppBackend], tmp_path: Path
) -> None:
    """An adapter loaded by hand is there again after its model was away."""
    one, other = pair
    await one.load_adapter("a", _write_adapter(tmp_path / "a.gguf", seed=1), scale=4.0, tenants=[""])
    adapted, _ = await write(one, PROMPTS[0])
    assert (await write(other, PROMPTS[0]))[0] != adapted
    assert (await write(one, PROMPTS[0]))[0] == adapted


async def test_one_that_waits_for_room_can_be_given_up(
    pair: tuple[LlamaCppBackend, LlamaCppBackend],
) -> None:
    """Its deadline holds while another model is busy, and the other is not disturbed."""
    one, other = pair
    await write(one, PROMPTS[0])
    busy = [asyncio.create_task(write(one, ask(f"the quick {i}", limit=1000))) for i in range(4)]
    while not answers_under_way(one):
        await asyncio.sleep(0.001)
    with pytest.raises(TimedOut):
        await write(other, PROMPTS[0], timeout_s=0.05)
    assert not any(task.done() for task in busy)
    assert [len(written[1]) for written in await asyncio.gather(*busy)] == [1000] * 4


async def test_all_models_stay_where_there_is_room(tiny_gguf: Path) -> None:
    """Both work at once and neither is loaded twice."""
    async with (
        started(tiny_gguf, memory_limit_mib=5, **SHARED) as one,
        started(tiny_gguf, memory_limit_mib=5, **SHARED) as other,
    ):
        loads = loads_of(one)
        assert await texts(one, PROMPTS) == await texts(other, PROMPTS)
        assert loads == []


async def test_a_model_that_can_never_fit_is_refused(tiny_gguf: Path) -> None:
    """The error says how much is needed, the limit, and what is there; the others go on."""
    async with started(tiny_gguf, memory_limit_mib=5, **SHARED) as one:
        with pytest.raises(Unavailable, match=r"needs 17 MiB .* may use 5 MiB \(now: model#\d+ 3 MiB\)"):
            async with started(tiny_gguf, **(SHARED | {"sequence_count": 32})):
                pass
        assert (await write(one, PROMPTS[0]))[1]


async def test_all_models_come_back_after_a_death(tiny_gguf: Path) -> None:
    """Each is loaded again by the next worker, and what it was asked goes on."""
    async with started(tiny_gguf, **SHARED) as one, started(tiny_gguf, **SHARED) as other:
        undisturbed = await texts(one, PROMPTS)
        answering = asyncio.create_task(texts(one, PROMPTS))
        others = asyncio.create_task(texts(other, PROMPTS))
        await asyncio.sleep(0.02)
        supervisor_of(one)._link.condemn("was killed by a test")  # type: ignore[union-attr]
        assert await answering == await others == undisturbed
        assert process_of(one) == process_of(other)


async def test_a_model_loads_while_another_writes(tiny_gguf: Path) -> None:
    """The streams do not stop for it."""
    async with started(tiny_gguf, **SHARED) as one:
        counts: list[int] = []
        watch = supervisor_of(one)._watch
        writing = asyncio.gather(*(write(one, ask("the quick", limit=1000)) for _ in range(4)))
        watch.opening = lambda model: counts.append(written(one))  # type: ignore[method-assign]
        watch.opened = lambda model: counts.append(written(one))  # type: ignore[method-assign]
        async with started(tiny_gguf, **SHARED):
            await writing
    begun, ended = counts
    assert begun < ended


def written(backend: LlamaCppBackend) -> int:
    """Tokens of all answers under way."""
    return sum(len(ticket.written) for ticket in answers_under_way(backend))
