"""A process that spends a tenant's money without end, and says what it does: to be killed by a test.

Each line is written once what it says has happened: ``R`` with what was reserved, ``S`` with what was spent.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from itertools import cycle
from pathlib import Path

from router.ledger.base import Ceiling
from router.ledger.sqlite import SqliteLedger
from router.ledger.treasury import Treasury

AMOUNTS = (7, 100, 31, 2, 900)


def spent_of(reserved: int) -> int:
    """What a request costs that reserved so much."""
    return reserved // 3


async def spend(folder: Path) -> None:
    """Reserve and settle until the process ends."""
    treasury = Treasury(SqliteLedger(folder / "ledger.sqlite"), folder / "books", time.time, time.monotonic)
    await treasury.start()
    for amount in cycle(AMOUNTS):
        reserved = await treasury.reserve("acme", Ceiling(usd_micros_per_day=10**9), amount, amount)
        _say(f"R {amount}")
        treasury.settle(reserved, spent_of(amount))
        _say(f"S {spent_of(amount)}")
        await asyncio.sleep(0)


def _say(line: str) -> None:
    os.write(1, f"{line}\n".encode())


if __name__ == "__main__":
    asyncio.run(spend(Path(sys.argv[1])))
