"""The router that is served is exchanged under requests that run."""

from __future__ import annotations

import asyncio
import gc
import weakref
from contextlib import aclosing

import pytest

from backends.echo import EchoBackend
from router.errors import ConfigRefused
from router.events import Result
from router.live.core import Exchange
from router.live.reloader import Terms
from tests.router.conftest import ask
from tests.router.live.conftest import House, backend, text, tier

BY = Terms("test")
DOWN = {
    "name": "down",
    "backend": "openai_chat",
    "options": {"base_url": "http://127.0.0.1:1/v1", "model": "none"},
}


async def idle(house: House) -> None:
    """Wait until all that was replaced is closed."""
    while house.core._closings:
        await asyncio.gather(*house.core._closings)


async def test_new_requests_go_to_the_new_router(house: House) -> None:
    """From the swap on the new configuration answers."""
    assert await house.answer() == "one"
    house.path.write_text(text(tier("edge", "two")))
    await house.reloader.reload(BY)
    assert await house.answer() == "two"


async def test_a_request_ends_where_it_began(house: House) -> None:
    """Its tier is closed with its last request and not before."""
    house.path.write_text(text(tier("edge", "two")))
    async with aclosing(house.core.run(ask())) as events:
        await anext(events)
        await house.reloader.reload(BY)
        await idle(house)
        assert house.built[0].tiers()[0].ready
        last = [event async for event in events][-1]
    assert isinstance(last, Result)
    assert last.text == "one"
    await idle(house)
    assert not house.built[0].tiers()[0].ready
    assert house.core.request_count == 0


async def test_conversations_go_on(house: House) -> None:
    """What was remembered of them outlives the router, as long as their tier does."""
    policy = {"objective": {"rule": "threshold"}, "ladder": ["edge", "local"], "name": "default"}
    uncalibrated = {"confidence": {"uncalibrated": "token_probability"}, "policies": [policy]}
    tiers = (tier("edge"), tier("local", price={"output_usd_per_million_tokens": 1}))
    tiers[0]["options"]["logprob"] = -3.0
    house.path.write_text(text(*tiers, **uncalibrated))
    await house.reloader.reload(BY)
    assert await house.answer(ask(session="chat")) == "local says"
    tiers[0]["options"]["logprob"] = -0.01
    house.path.write_text(text(*tiers, **uncalibrated))
    await house.reloader.reload(BY)
    assert await house.answer(ask(session="chat")) == "local says"
    assert await house.answer() == "edge says"
    policy["ladder"] = ["edge"]
    house.path.write_text(text(tiers[0], **uncalibrated))
    await house.reloader.reload(BY)
    assert await house.answer(ask(session="chat")) == "edge says"


async def test_an_unchanged_tier_goes_on_running(house: House) -> None:
    """Its backend is the same object, and only the others are started and closed."""
    house.path.write_text(text(tier("edge", "one"), tier("local")))
    change = await house.reloader.reload(BY)
    assert change.exchange == Exchange(("edge",), ("local",), ())
    assert backend(house.built[1], "edge") is backend(house.built[0], "edge")
    await idle(house)
    assert await house.answer() == "one"


async def test_a_new_price_keeps_the_backend(house: House) -> None:
    """What a model costs does not reload it, and holds at once."""
    price = {"output_usd_per_million_tokens": 7.0}
    house.path.write_text(text(tier("edge", "one", price=price)))
    change = await house.reloader.reload(BY)
    assert change.exchange.kept == ("edge",)
    assert house.core.tiers()[0].output_price_usd_micros_per_million == 7_000_000
    await idle(house)
    assert house.core.tiers()[0].ready


async def test_a_backend_of_a_router_that_still_answers_is_taken_again(house: House) -> None:
    """Going back while requests run loads nothing twice."""
    first = house.path.read_text()
    async with aclosing(house.core.run(ask())) as events:
        await anext(events)
        for written in (text(tier("edge", "two")), first):
            house.path.write_text(written)
            await house.reloader.reload(BY)
    await idle(house)
    assert backend(house.built[2], "edge") is backend(house.built[0], "edge")
    assert house.core.tiers()[0].ready
    assert await house.answer() == "one"


async def test_a_tier_that_does_not_come_up_changes_nothing(house: House) -> None:
    """Unless tiers that are down are allowed."""
    house.path.write_text(text(tier("edge", "two"), DOWN))
    with pytest.raises(ConfigRefused, match="down did not start, so nothing was changed") as caught:
        await house.reloader.reload(BY)
    assert caught.value.reason == "TIER_NOT_READY"
    assert await house.answer() == "one"
    change = await house.reloader.reload(Terms("test", allow_unready=True))
    assert set(change.exchange.started) == {"edge", "down"}
    assert await house.answer() == "two"


async def test_closing_gives_an_exchange_up(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that takes minutes to load does not hold the end up, and is closed too."""
    starting = asyncio.Event()

    async def start(_: EchoBackend) -> None:
        starting.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(EchoBackend, "start", start)
    house.path.write_text(text(tier("edge", "one"), tier("slow")))
    reloading = asyncio.create_task(house.reloader.reload(BY))
    await starting.wait()
    async with asyncio.timeout(60.0):
        await house.core.close()
    with pytest.raises(asyncio.CancelledError):
        await reloading
    assert not house.core.tiers()[0].ready


async def test_what_was_replaced_is_forgotten(house: House) -> None:
    """Memory does not grow with the number of changes."""
    for number in range(5):
        house.path.write_text(text(tier("edge", f"answer {number}"), tier("local")))
        await house.reloader.reload(BY)
        await house.answer()
    await idle(house)
    routers = [weakref.ref(router) for router in house.built]
    house.built.clear()
    gc.collect()
    assert [router() is None for router in routers] == [True] * 5 + [False]


async def test_many_exchanges_under_load_lose_nothing(house: House) -> None:
    """Each request is answered by one of the two, and nothing is left over."""
    answers: list[str] = []
    done = asyncio.Event()

    async def asking() -> None:
        while not done.is_set():
            answers.append(await house.answer())
            # Real callers wait for the network; a loop that never does starves the thread that reads files.
            await asyncio.sleep(0.01)

    async with asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(asking())
        for number in range(40):
            house.path.write_text(text(tier("edge", "two" if number % 2 else "one"), tier("local")))
            await house.reloader.reload(BY)
        done.set()
    await idle(house)
    assert set(answers) == {"one", "two"}
    assert house.core.exchange_count == 40
    assert not house.core._replaced
