"""The metrics port under clients that open connections and say nothing, or half of it."""

from __future__ import annotations

import asyncio
import threading
import urllib.request
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from router.config.observing import MetricsConfig
from router.observe import port
from router.observe.registry import new_registry


@pytest.fixture
async def address() -> AsyncIterator[str]:
    """Where figures are served."""
    async with port.MetricsPort("127.0.0.1:0", MetricsConfig(), new_registry()) as metrics:
        yield metrics.address


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody may be silent for long."""
    monkeypatch.setattr(port, "_IDLE_S", 0.05)


async def dawdlers(address: str, count: int, stack: AsyncExitStack) -> list[asyncio.StreamReader]:
    """Connections that have sent half a request."""
    host, _, number = address.rpartition(":")
    readers = []
    for _ in range(count):
        reader, writer = await asyncio.open_connection(host, int(number))
        stack.callback(writer.close)
        writer.write(b"GET /metrics HTTP/1.1\r\nx-slow: ")
        readers.append(reader)
    return readers


async def test_silent_connections_are_closed(impatient: None, address: str) -> None:
    """And figures are served after."""
    async with AsyncExitStack() as stack:
        for reader in await dawdlers(address, 3, stack):
            assert await asyncio.wait_for(reader.read(), 30.0) == b""
        found = await asyncio.to_thread(_scrape, address)
    assert found == 200


async def test_a_crowd_costs_few_threads(address: str) -> None:
    """Whoever comes beyond the limit is turned away at once."""
    before = threading.active_count()
    async with AsyncExitStack() as stack:
        readers = await dawdlers(address, 3 * port._CONNECTION_COUNT, stack)
        turned_away = 0
        for ended in asyncio.as_completed([reader.read() for reader in readers], timeout=60.0):
            turned_away += await ended == b""
            if turned_away == 2 * port._CONNECTION_COUNT:
                break
        # Whoever was turned away last has read the end a moment before its thread is gone.
        async with asyncio.timeout(60.0):
            while threading.active_count() - before > port._CONNECTION_COUNT:
                await asyncio.sleep(0.01)


def _scrape(address: str) -> int:
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=30.0) as answer:
        return int(answer.status)
