"""Real engines behind a real socket.

The random models write until a limit stops them, which gives time to cancel and to kill; the
pocket models answer.
"""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from router.build import build
from router.config import parse
from router.core import Router
from router.demo.processes import free_port, frontier_command
from router.journal import JournalEntry, NullJournal
from router.rpc.client import AsyncClient
from router.rpc.server import RouterServer
from tests.tiny_models import save_dense, save_moe

MAX_OUTPUT_TOKEN_COUNT = 2000
"""What the random models write where nothing stops them."""

TIERS = """
version: 1
server: {{listen: "127.0.0.1:0", drain_grace_s: 10}}
confidence: {{uncalibrated: token_probability}}
tiers:
  - name: edge
    backend: llamacpp
    options: {{model: {folder}/dense/model.gguf, max_output_token_count: 2000}}
    price: {{input_usd_per_million_tokens: 1, output_usd_per_million_tokens: 2}}
    limits: {{concurrency: 1}}
  - name: local
    backend: moe
    options: {{model: {folder}/moe, max_output_token_count: 2000}}
    price: {{input_usd_per_million_tokens: 10, output_usd_per_million_tokens: 20}}
    limits: {{concurrency: 1}}
  - name: frontier
    backend: openai_chat
    options: {{base_url: "{frontier}/v1", model: frontier, max_output_token_count: 2000}}
    price: {{input_usd_per_million_tokens: 100, output_usd_per_million_tokens: 200}}
policies:
  - name: default
    ladder: [edge, local, frontier]
    objective: {{rule: threshold, min_confidence: 1.0}}
  - name: always_edge
    ladder: [edge]
    objective: {{rule: fixed, tier: edge}}
  - name: always_local
    ladder: [local]
    objective: {{rule: fixed, tier: local}}
  - name: always_frontier
    ladder: [frontier]
    objective: {{rule: fixed, tier: frontier}}
"""


class FrontierServer:
    """llama-cpp-python's own server on a model, in its own process."""

    def __init__(self, model: Path, log: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = log.open("wb")
        command = frontier_command(model, self.port)
        command[command.index("--n_ctx") + 1] = "2048"
        self._process = subprocess.Popen(command, stdout=self._log, stderr=self._log)

    def wait(self) -> None:
        """Return once it answers."""
        for _ in range(2000):
            try:
                if httpx.get(f"{self.url}/v1/models").is_success:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        raise TimeoutError("the frontier's server did not start within 100 s")

    def kill(self) -> None:
        """End it as a crash would."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def close(self) -> None:
        """End it."""
        self.kill()
        self._log.close()


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the random models."""
    folder = tmp_path_factory.mktemp("models")
    save_dense(folder / "dense")
    save_moe(folder / "moe")
    return folder


@pytest.fixture
def mortal_frontier(models: Path, tmp_path: Path) -> Iterator[FrontierServer]:
    """A frontier of the test's own, to be killed."""
    server = FrontierServer(models / "dense" / "model.gguf", tmp_path / "frontier.log")
    server.wait()
    yield server
    server.close()


@pytest.fixture(scope="session")
def frontier(models: Path) -> Iterator[FrontierServer]:
    """One frontier for all tests that leave it alive."""
    server = FrontierServer(models / "dense" / "model.gguf", models / "frontier.log")
    server.wait()
    yield server
    server.close()


@asynccontextmanager
async def serving(config: str) -> AsyncIterator[tuple[AsyncClient, Router]]:
    """Serve ``config`` on a free port; give a client and the router behind it."""
    parsed = parse(config)
    router = build(parsed)
    async with RouterServer(parsed.server, router) as server:
        address = await server.start()
        async with AsyncClient(address) as client:
            yield client, router


class Heard(NullJournal):
    """Knows the last request that ended."""

    def __init__(self, router: Router) -> None:
        self.last: asyncio.Future[JournalEntry] = asyncio.get_running_loop().create_future()
        router._journal = self

    def record(self, entry: JournalEntry) -> None:
        """Take it in."""
        if not self.last.done():
            self.last.set_result(entry)


async def broken_off(router: Router, heard: Heard) -> None:
    """Fail unless the request that ``heard`` hears of ended long before its answer would have.

    How soon, benchmarks measure: a busy machine can be late, but it writes no faster.
    """
    async with asyncio.timeout(100.0):
        entry = await heard.last
        while any(tier.in_flight_count for tier in router.tiers()):
            await asyncio.sleep(0.01)
    assert entry.error_reason in ("CANCELLED", "DEADLINE_EXCEEDED")
    assert entry.attempts[-1].usage.output_token_count < MAX_OUTPUT_TOKEN_COUNT


@asynccontextmanager
async def command(*arguments: str, cwd: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run ``upshift`` with ``arguments`` as a user would; it is killed where it does not end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "router.cli",
        *arguments,
        cwd=cwd,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
