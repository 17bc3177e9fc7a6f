"""A served process whose configuration changes: by SIGHUP, `upshift reload` and `upshift rollback`."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from router.rpc.client import AsyncClient
from tests.router.live.conftest import text, tier
from tests.router.rpc.admin.conftest import keys_in


@dataclass
class Process:
    """A running `upshift serve`, its file, and keys for its two ports."""

    path: Path
    child: asyncio.subprocess.Process
    address: str
    admin: str
    admin_key: str
    key: str

    def say(self, reply: str) -> None:
        """Let the file's one tier say ``reply``."""
        sections = {
            "server": {"listen": "127.0.0.1:0"},
            "auth": {"keys": "keys.json"},
            "admin": {"listen": "127.0.0.1:0", "audit": "audit.jsonl"},
        }
        self.path.write_text(text(tier("edge", reply), **sections))

    async def answer(self) -> str:
        """What the server says."""
        async with AsyncClient(self.address, key=self.key) as client:
            return (await client.generate("hi", timeout_s=20.0)).text

    async def upshift(self, *words: str) -> tuple[int, Any]:
        """Run a verb; its exit code, and its one JSON object."""
        environment = {"UPSHIFT_ADMIN_SERVER": self.admin, "UPSHIFT_API_KEY": self.admin_key}
        verb = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "router.cli", *words, "--json"),
            stdout=asyncio.subprocess.PIPE,
            env=os.environ | environment,
        )
        out, _ = await verb.communicate()
        assert verb.returncode is not None
        return verb.returncode, json.loads(out)


@pytest.fixture
async def process(tmp_path: Path) -> AsyncIterator[Process]:
    """Serve one tier that says ``one``; it must drain and end well."""
    admin_key, key = keys_in(tmp_path / "keys.json")
    path = tmp_path / "upshift.yaml"
    started = Process(path, None, "", "", admin_key, key)  # type: ignore[arg-type]
    started.say("one")
    command = (sys.executable, "-m", "router.cli", "serve", str(path), "--json")
    started.child = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    assert started.child.stdout is not None
    ready = json.loads(await started.child.stdout.readline())
    started.address, started.admin = ready["address"], ready["admin"]
    yield started
    started.child.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(started.child.wait(), 20.0) == 0


async def test_sighup_reads_the_file_again(process: Process) -> None:
    """A file that is wrong changes nothing and is told in the log."""
    assert await process.answer() == "one"
    errors = process.child.stderr
    assert errors is not None
    process.path.write_text("version: 2\n")
    process.child.send_signal(signal.SIGHUP)
    while "nothing was changed" not in (await errors.readline()).decode():
        pass
    assert await process.answer() == "one"
    process.say("two")
    process.child.send_signal(signal.SIGHUP)
    while "is served (reload by SIGHUP)" not in (await errors.readline()).decode():
        pass
    assert await process.answer() == "two"


async def test_verbs_change_what_is_served_and_back(process: Process) -> None:
    """Each says what it did, or why it did nothing, by its exit code too."""
    process.say("two")
    code, change = await process.upshift("reload")
    assert (code, change["started_tiers"], await process.answer()) == (0, ["edge"], "two")
    process.path.write_text("version: 2\n")
    code, failure = await process.upshift("reload")
    assert (code, failure["error"]["reason"]) == (2, "CONFIG_INVALID")
    process.say("two")
    code, change = await process.upshift("rollback")
    assert (code, change["version"], await process.answer()) == (0, 3, "one")
    code, listed = await process.upshift("rollback", "--list")
    assert [version["version"] for version in listed["versions"]] == [3, 2, 1]
    audit = (process.path.parent / "audit.jsonl").read_text().splitlines()
    assert [json.loads(line)["outcome"] for line in audit] == ["OK", "CONFIG_INVALID", "OK", "OK"]


async def test_a_rollback_works_where_no_server_does(process: Process) -> None:
    """The file is put back from the versions beside it, however broken it is."""
    process.say("two")
    await process.upshift("reload")
    process.path.write_text("broken: [")
    code, done = await process.upshift("rollback", "--config", str(process.path))
    assert (code, done["version"]) == (0, 4)
    assert "two" in process.path.read_text()


async def test_a_missing_admin_port_is_told_of(process: Process) -> None:
    """Whoever has none learns which setting opens one."""
    process.admin = "127.0.0.1:9"
    code, failure = await process.upshift("reload")
    assert (code, failure["error"]["reason"]) == (3, "UNAVAILABLE")
    assert "`admin.listen`" in failure["error"]["message"]
