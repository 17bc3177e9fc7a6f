"""A disk that is full while the journal writes: requests are served, losses counted, the file stays whole."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from router.journal import SqliteJournal, read_journal
from tests.router.conftest import House, ask, echo_tier

_REQUEST_COUNT = 300


async def serve_with_a_full_disk(path: Path) -> dict[str, int]:
    """Serve with room for some entries, then for none, then with room again; say what became of them."""
    # The system says EFBIG in place of ENOSPC, and would end the process by a signal first.
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    journal = SqliteJournal(path)
    house = House([echo_tier("edge", reply="served")])
    house.journal = journal  # type: ignore[assignment]
    router = house.router()
    await journal.start()

    asked_count = 0

    async def answered(name: str, count: int) -> int:
        answered_count = 0
        for number in range(count):
            async for event in router.run(ask("word " * 50, id=f"{name}{number}")):
                answered_count += type(event).__name__ == "Result"
        nonlocal asked_count
        asked_count += count
        async with asyncio.timeout(60.0):
            while journal.counts.written + journal.counts.failed < asked_count:
                await asyncio.sleep(0.01)
        return answered_count

    served = await answered("before", 5)
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (os.path.getsize(path), most))  # noqa: ASYNC240  a test of one file
    served += await answered("full", _REQUEST_COUNT)
    lost = journal.counts.failed
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    served += await answered("after", 5)
    await journal.close()
    counts = journal.counts
    return {"served": served, "lost": lost, "failed": counts.failed, "written": counts.written}


def test_a_full_disk_fails_no_request(tmp_path: Path) -> None:
    """All are served, what could not be written is counted, and writing goes on once there is room."""
    path = tmp_path / "journal.sqlite"
    child = subprocess.run(
        [sys.executable, "-m", "tests.faults.test_full_disk", str(path)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    told = json.loads(child.stdout.splitlines()[-1])
    assert told["served"] == _REQUEST_COUNT + 10
    assert told["lost"] > 0
    assert told["written"] + told["failed"] == _REQUEST_COUNT + 10
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    kept = [record.request_id for record in read_journal(path)]
    assert len(kept) == len(set(kept)) == told["written"]
    assert {f"before{number}" for number in range(5)} | {f"after{number}" for number in range(5)} <= set(kept)
    assert "entries lost so far" in child.stderr


if __name__ == "__main__":
    print(json.dumps(asyncio.run(serve_with_a_full_disk(Path(sys.argv[1])))))
