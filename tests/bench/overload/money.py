"""Money after a kill: what the ledger says, beside what callers know of it from outside.

An answered request has its cost in the answer. One that was under way may have cost nothing, or all that it
can cost; nobody outside can tell.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from router.ledger.base import Ledger
from router.ledger.calendar import day_of
from router.ledger.recovery import settle_left_books
from router.ledger.sqlite import SqliteLedger
from tests.bench.overload.asking import QUESTION
from tests.bench.overload.server import INPUT_USD_PER_MILLION, OUTPUT_USD_PER_MILLION, TENANT

MAX_OUTPUT_TOKEN_COUNT = 16
# A token is a byte at least. A dollar a million tokens is a millionth of a dollar a token.
MOST_USD_MICROS = OUTPUT_USD_PER_MILLION * MAX_OUTPUT_TOKEN_COUNT + INPUT_USD_PER_MILLION * len(QUESTION)


@dataclass(slots=True)
class Money:
    """Millionths of a US dollar, of all kills.

    ``answered``: what answers said that they cost. ``lost``: of that, not in the ledger. ``doubled``: in the
    ledger beyond what answers and requests under way can have cost. ``held``: still held by processes that
    are dead, once their books were settled.
    """

    answered_usd_micros: int = 0
    spent_usd_micros: int = 0
    lost_usd_micros: int = 0
    doubled_usd_micros: int = 0
    held_usd_micros: int = 0

    def add(self, answered: int, under_way_count: int, spent: int, held: int) -> None:
        """Take in one kill: what was answered, and what the ledger has counted since the kill before."""
        self.answered_usd_micros += answered
        self.spent_usd_micros += spent
        self.lost_usd_micros += max(0, answered - spent)
        self.doubled_usd_micros += max(0, spent - answered - under_way_count * MOST_USD_MICROS)
        self.held_usd_micros += held


async def settled(folder: Path) -> tuple[int, int]:
    """Settle the books in ``folder`` that nobody keeps; return what the tenant spent and holds."""
    ledger: Ledger = SqliteLedger(folder / "ledger.sqlite")
    try:
        await ledger.open()
        await settle_left_books(folder / "ledger.sqlite-books", ledger)
        found = {one.tenant: one for one in await ledger.statements(day_of(time.time()))}
    finally:
        await ledger.close()
    if TENANT not in found:
        return 0, 0
    return found[TENANT].spent_this_month_usd_micros, found[TENANT].held_this_month_usd_micros
