"""Hot reloads under load: ``python -m tests.bench.reload --reloads 1000``.

A served process over echo tiers is asked by several callers at a time while its configuration changes over
and over: half of the tiers go on running, the others are exchanged, and now and then a configuration is
wrong. Counts answers, errors, answers that no configuration gave, and memory. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from router.rpc.client import AsyncClient, UpshiftError
from router.rpc.client.admin import AdminClient
from router.tenants.key_file import write_keys
from router.tenants.keys import mint
from router.tenants.principal import Scope
from tests.bench.servers import QUESTION

# Every so many reloads one is of a file that is wrong.
_WRONG_EVERY = 10


@dataclass
class Counted:
    """What callers got, and what the server's memory was, in MiB, as it went on."""

    answer_count: int = 0
    errors: dict[str, int] = field(default_factory=dict)
    strange_count: int = 0
    refused_count: int = 0
    reload_ms: list[float] = field(default_factory=list)
    memory_mib: list[float] = field(default_factory=list)


def _configuration(number: int) -> str:
    tiers = [
        {"name": "edge", "backend": "echo", "options": {"reply": f"answer {number % 2}", "logprob": -3}},
        {"name": "frontier", "backend": "echo", "options": {"reply": "answer 2"}},
    ]
    policy = {
        "name": "default",
        "ladder": ["edge", "frontier"],
        "objective": {"rule": "threshold", "min_confidence": 0.9 if number % 3 else 0.0},
    }
    document = {
        "version": 1,
        "server": {"listen": "127.0.0.1:0"},
        "auth": {"keys": "keys.json"},
        "admin": {"listen": "127.0.0.1:0"},
        "journal": {"path": "journal.sqlite"},
        "confidence": {"uncalibrated": "token_probability"},
        "tiers": tiers,
        "policies": [policy],
    }
    return yaml.safe_dump(document)


async def _ask(client: AsyncClient, counted: Counted, done: asyncio.Event) -> None:
    while not done.is_set():
        try:
            answer = await client.generate(QUESTION, timeout_s=30.0)
        except UpshiftError as error:
            counted.errors[error.reason] = counted.errors.get(error.reason, 0) + 1
            continue
        counted.answer_count += 1
        counted.strange_count += answer.text not in ("answer 0", "answer 1", "answer 2")


def _reload(path: Path, admin: AdminClient, number: int, counted: Counted) -> None:
    is_wrong = number % _WRONG_EVERY == _WRONG_EVERY - 1
    path.write_text("version: 2\n" if is_wrong else _configuration(number))
    began_s = time.perf_counter()
    try:
        admin.reload()
    except UpshiftError as error:
        if not is_wrong or error.reason != "CONFIG_INVALID":
            raise
        counted.refused_count += 1
    counted.reload_ms.append((time.perf_counter() - began_s) * 1e3)


def _memory_mib(pid: int) -> float:
    with suppress(OSError):
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return pages * 4096 / (1 << 20)
    return float("nan")


async def measure(directory: Path, *, reload_count: int, caller_count: int) -> Counted:
    """Serve, ask, and reload."""
    path, counted = directory / "upshift.yaml", Counted()
    path.write_text(_configuration(0))
    key, token = mint(tenants=("bench",), scopes=frozenset(Scope), now_s=time.time())
    write_keys(directory / "keys.json", [key])
    server = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "router.cli", "serve", str(path), "--json"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert server.stdout is not None
    ready = json.loads(await server.stdout.readline())
    done = asyncio.Event()
    async with AsyncClient(ready["address"], key=token) as client, asyncio.TaskGroup() as group:
        for _ in range(caller_count):
            group.create_task(_ask(client, counted, done))
        with AdminClient(ready["admin"], key=token) as admin:
            for number in range(1, reload_count + 1):
                await asyncio.to_thread(_reload, path, admin, number, counted)
                if number % max(1, reload_count // 10) == 0:
                    counted.memory_mib.append(round(_memory_mib(server.pid), 1))
        done.set()
    server.terminate()
    await server.wait()
    return counted


def main() -> None:
    """Measure and print; exit code 1 where any request was lost."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--reloads", type=int, default=1000)
    options.add_argument("--callers", type=int, default=8)
    given = options.parse_args()
    with TemporaryDirectory() as directory:
        began_s = time.perf_counter()
        counted = asyncio.run(
            measure(Path(directory), reload_count=given.reloads, caller_count=given.callers)
        )
    ordered = sorted(counted.reload_ms)
    print(
        json.dumps(
            {
                "reloads": given.reloads,
                "refused_as_wrong": counted.refused_count,
                "answers": counted.answer_count,
                "errors": counted.errors,
                "strange_answers": counted.strange_count,
                "reload_p50_ms": round(ordered[len(ordered) // 2], 1),
                "reload_p99_ms": round(ordered[int(len(ordered) * 0.99)], 1),
                "memory_mib": counted.memory_mib,
                "seconds": round(time.perf_counter() - began_s, 1),
            }
        )
    )
    sys.exit(bool(counted.errors or counted.strange_count))


if __name__ == "__main__":
    main()
