"""A process whose files cannot grow beyond what they have, as on a full disk; then they can again.

Prints one line for each stage: what came of reserving until it failed, and what came of it afterwards.
"""

from __future__ import annotations

import asyncio
import resource
import sys
import time
from pathlib import Path

from router.errors import LedgerUnavailable
from router.ledger.base import Ceiling
from router.ledger.sqlite import SqliteLedger
from router.ledger.treasury import Treasury

DAILY = Ceiling(usd_micros_per_day=1_000_000)


async def until_it_fails(treasury: Treasury) -> tuple[int, str]:
    """Reserve and settle one millionth of a dollar until that cannot be; how often, and why not."""
    for count in range(100_000):
        try:
            reserved = await treasury.reserve("acme", DAILY, 1, 1)
        except LedgerUnavailable as error:
            return count, str(error.__cause__)
        treasury.settle(reserved, 1)
    return 100_000, "it never failed"


async def main(folder: Path, file_byte_count: int) -> None:
    """Fill the disk, see what happens, make room, see again, and stop."""
    treasury = Treasury(SqliteLedger(folder / "ledger.sqlite"), folder / "books", time.time, time.monotonic)
    await treasury.start()
    treasury.settle(await treasury.reserve("acme", DAILY, 1, 1), 1)
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_byte_count, hard))
    count, said = await until_it_fails(treasury)
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    print(f"{1 + count} {said}")
    await asyncio.sleep(0.6)  # after trouble nobody asks again at once
    treasury.settle(await treasury.reserve("acme", DAILY, 10, 10), 10)
    await treasury.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
