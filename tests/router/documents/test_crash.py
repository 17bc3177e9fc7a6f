"""A run that is killed goes on where it was, and ends in the same bytes."""

from __future__ import annotations

import contextlib
import random
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

from tests.router.documents.files import Sheet, pdf, prose, put, table
from tests.router.documents.test_parse_pdf import ROWS

KILL_COUNT = 5
# Long enough to get somewhere, short enough to be killed in the middle.
_LONGEST_S = 2.0


def test_killed_runs_redo_nothing_and_end_alike(tmp_path: Path) -> None:
    """However often it is killed, no committed step is done again, and the output is the same."""
    assert_survives_kills(tmp_path, KILL_COUNT, seed=7)


def assert_survives_kills(directory: Path, kill_count: int, seed: int) -> None:
    """Kill a run so often, at random points, and hold its end against one that was left alone."""
    chance = random.Random(seed)
    document = put(directory, "a.pdf", pdf([Sheet((*prose(3), *table(ROWS)))] * 12))
    whole, told, journal = directory / "whole.json", directory / "told", directory / "steps.sqlite"
    _start(document, directory / "whole.sqlite", whole, told).wait(timeout=100)
    committed = 0
    for number in range(kill_count):
        output = directory / f"{number}.json"
        child = _start(document, journal, output, told)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(timeout=chance.uniform(0.3, _LONGEST_S))
        child.kill()
        child.wait()
        grown = _count(journal)
        assert grown >= committed
        committed = grown
        if output.exists():
            for file in directory.glob("steps.sqlite*"):  # it came to its end; begin anew
                file.unlink()
            committed = 0
    last = directory / "last.json"
    assert _start(document, journal, last, told).wait(timeout=100) == 0
    assert last.read_bytes() == whole.read_bytes()
    assert not told.exists(), told.read_text()


def _start(document: Path, journal: Path, output: Path, told: Path) -> subprocess.Popen[bytes]:
    words = [str(document), str(journal), str(output), str(told)]
    return subprocess.Popen([sys.executable, "-m", "tests.router.documents.crashing", *words])


def _count(journal: Path) -> int:
    if not journal.exists():
        return 0
    for _ in range(50):
        try:
            with contextlib.closing(sqlite3.connect(journal)) as connection:
                return int(connection.execute("SELECT count(*) FROM document_steps").fetchone()[0])
        except sqlite3.OperationalError:
            time.sleep(0.02)  # killed before its table was made, or a worker still holds the lock
    return 0
