"""``upshift health``: an exit code for scripts."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from router.demo.processes import free_port
from tests.conftest import ECHO
from tests.e2e.conftest import command
from tests.router.cli.conftest import Run

TIER_THAT_IS_DOWN = """
version: 1
server: {{listen: "127.0.0.1:{port}"}}
tiers: [{{name: far, backend: openai_chat, options: {{base_url: "http://127.0.0.1:9/v1", model: m}}}}]
policies: [{{name: default, ladder: [far], objective: {{rule: fixed, tier: far}}}}]
"""


@pytest.fixture
def port() -> int:
    """A port that nobody listens on yet."""
    return free_port()


async def test_a_server_that_serves(port: int) -> None:
    """Waiting for it begins before it runs, and ends with 0."""
    address = f"127.0.0.1:{port}"
    async with (
        command("serve", str(ECHO), "--listen", address, cwd=Path.cwd()),
        command("health", "--server", address, "--wait", "60", cwd=Path.cwd()) as health,
    ):
        assert await asyncio.wait_for(health.wait(), 60) == 0
        assert health.stdout is not None
        assert await health.stdout.read() == b"serving\n"


def test_nobody_answers(upshift: Run, port: int) -> None:
    """Exit code 3, and the word for programs."""
    ended = upshift("health", "--server", f"127.0.0.1:{port}", "--json")
    assert ended.code == 3
    assert ended.json["error"]["reason"] == "UNAVAILABLE"


async def test_no_tier_is_ready(port: int, tmp_path: Path) -> None:
    """A server whose only tier is down answers that it does not serve: exit code 3."""
    (tmp_path / "upshift.yaml").write_text(TIER_THAT_IS_DOWN.format(port=port))
    address = f"127.0.0.1:{port}"
    async with (
        command("serve", "upshift.yaml", cwd=tmp_path),
        command("health", "--server", address, "--wait", "5", "--json", cwd=tmp_path) as health,
    ):
        assert await asyncio.wait_for(health.wait(), 60) == 3
        assert health.stdout is not None
        assert (await health.stdout.read()).endswith(b'"serving": false}\n')
