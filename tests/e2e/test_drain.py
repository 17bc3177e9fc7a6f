"""SIGTERM under way: what runs is finished, what comes is refused, and the process ends well."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest

from router.demo.processes import free_port
from router.rpc.client import Answer, AsyncClient, TextDelta, UpshiftError
from tests.e2e.conftest import TIERS, command

pytestmark = pytest.mark.engines


async def test_sigterm_finishes_what_runs(models: Path, tmp_path: Path) -> None:
    """A stream in flight gets its whole answer after SIGTERM; the server then exits with 0."""
    port = free_port()
    config = TIERS.format(folder=models, frontier="http://127.0.0.1:9").replace(
        "127.0.0.1:0", f"127.0.0.1:{port}"
    )
    (tmp_path / "upshift.yaml").write_text(config)
    async with (
        command("serve", "upshift.yaml", cwd=tmp_path) as server,
        AsyncClient(f"127.0.0.1:{port}") as client,
    ):
        await _until_healthy(client)
        stream = client.stream("the quick", policy="always_local", max_output_tokens=60)
        delta_count = 0
        async for event in stream:
            if isinstance(event, TextDelta):
                if not delta_count:
                    server.send_signal(signal.SIGTERM)
                delta_count += 1
        assert isinstance(event, Answer)
        assert event.usage.output_token_count == 60
        assert await asyncio.wait_for(server.wait(), 10) == 0


async def _until_healthy(client: AsyncClient) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                if await client.health():
                    return
            except UpshiftError:
                await asyncio.sleep(0.1)
