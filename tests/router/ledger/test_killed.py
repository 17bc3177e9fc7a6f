"""``kill -9`` while money is spent: nothing is lost and nothing counts twice."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from router.ledger.calendar import day_of
from router.ledger.recovery import settle_left_books
from router.ledger.sqlite import SqliteLedger
from tests.router.ledger.spender import AMOUNTS, spent_of


def killed_after(line_count: int, folder: Path) -> list[str]:
    """Let a process spend, kill it once it has said so much, and return all that it said."""
    command = [sys.executable, "-m", "tests.router.ledger.spender", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        said = [child.stdout.readline() for _ in range(line_count)]
        child.kill()
        said += child.stdout.readlines()
    return said


def possible(said: list[str]) -> set[int]:
    """What may have been spent, as far as one can tell from outside: one step further may have been done."""
    reserved, settled = ([int(line[2:]) for line in said if line.startswith(kind)] for kind in ("R", "S"))
    if len(reserved) > len(settled):
        return {sum(settled) + reserved[-1], sum(settled) + spent_of(reserved[-1])}
    return {sum(settled), sum(settled) + AMOUNTS[len(reserved) % len(AMOUNTS)]}


async def spent_after(folder: Path, kill_count: int, seed: int) -> None:
    """Kill so many processes one after the other; after each the ledger must be right."""
    chance = random.Random(seed)
    before = 0
    for _ in range(kill_count):
        said = killed_after(chance.randrange(1, 400), folder)
        ledger = SqliteLedger(folder / "ledger.sqlite")
        await ledger.open()
        await settle_left_books(folder / "books", ledger)
        (statement,) = await ledger.statements(day_of(time.time()))
        await ledger.close()
        assert statement.held_this_month_usd_micros == 0
        assert statement.spent_this_month_usd_micros - before in possible(said)
        before = statement.spent_this_month_usd_micros


async def test_a_killed_process_leaves_the_money_right(tmp_path: Path) -> None:
    """Three times in a row, on one ledger."""
    await spent_after(tmp_path, 3, seed=1)


@pytest.mark.bench
@pytest.mark.timeout(600)
async def test_a_hundred_killed_processes_leave_the_money_right(tmp_path: Path) -> None:
    """The same, a hundred times."""
    await spent_after(tmp_path, 100, seed=2)
