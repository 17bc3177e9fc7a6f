"""The money of tenants in this process: reserved before a request and settled after it.

Decides when the ledger is asked: where a till has too little, and once a second with what was spent and what
lies idle. Requests that wait for money at the same time wait for the same round. Use from one event loop.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from router.errors import LedgerUnavailable
from router.ledger.account import Account
from router.ledger.base import LEASE_S, Ceiling, Claim, Ledger, LedgerError, LedgerUnfit
from router.ledger.calendar import day_of
from router.ledger.clerk import Clerk
from router.ledger.refusal import refusal
from router.ledger.till import Reservation, Till

_LOG = logging.getLogger(__name__)
_TICK_S = 1.0
"""How often the ledger hears what was spent and gets back what lies idle. A power cut loses that much."""
_BEAT_S = LEASE_S / 3
"""How long a process with requests under way leaves the ledger without a word, where there is no news."""
_TICKS_PER_PATROL = 5
"""How often books of ended processes are looked for."""
_DRY_S = 0.25
"""How long nobody asks again for a tenant's money once there was none."""
_TROUBLE_S = 0.5
"""How long nobody asks again once the ledger failed, at least."""
_MOST_ASK_COUNT = 3
"""What was claimed for a request may be gone when it gets there, taken by others that came later."""
_MOST_WAIT_S = 5.0
"""How long a request waits for the ledger, its own deadline apart."""


@dataclass(slots=True)
class _Round:
    """Requests that wait for the ledger to be asked; ``done`` says what went wrong, None: nothing."""

    done: asyncio.Future[str | None]
    needs: dict[Till, dict[str, int]] = field(default_factory=dict)


class Treasury:
    """Holds portions of ``ledger``; books lie in ``folder``, which no other machine may share.

    ``clock`` gives seconds since 1970 and tells the day, ``timer`` any steady seconds.
    """

    def __init__(
        self, ledger: Ledger, folder: Path, clock: Callable[[], float], timer: Callable[[], float]
    ) -> None:
        self._clerk = Clerk(ledger, folder)
        self._folder = folder
        self._clock = clock
        self._timer = timer
        self._till: Till | None = None
        self._past_tills: list[Till] = []
        self._dry_until_s: dict[Account, float] = {}
        self._round: _Round | None = None
        self._is_asked = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self._is_in_trouble = False
        self._trouble: str | None = None
        self._trouble_until_s = 0.0

    async def start(self) -> None:
        """Open the ledger and settle what was left behind; where that fails it is tried again later.

        Raises LedgerUnfit.
        """
        try:
            await self._clerk.patrol(kept=())
        except LedgerUnfit:
            raise
        except LedgerError as error:
            self._complain(error)
        self._keeper = asyncio.create_task(self._keep())

    async def close(self) -> None:
        """Settle all; what cannot be told to the ledger is left for whoever starts next."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        self._retire()
        try:
            await self._end_past_tills()
        except LedgerError as error:
            self._complain(error)
        for till in self._past_tills:
            till.book.leave()
        self._past_tills.clear()
        await self._clerk.close()

    async def reserve(
        self, tenant: str, ceiling: Ceiling, least: int, most: int, *, timeout_s: float | None = None
    ) -> Reservation:
        """Set aside ``most`` of the tenant's money, or what is left of it, but never less than ``least``.

        Both are in millionths of a US dollar. Raises BudgetExhausted where there is less, and
        LedgerUnavailable. Where nothing has to be asked for it returns without waiting.
        """
        try:
            till = self._till_of_today()
            account = till.account(tenant, ceiling)
            for _ in range(_MOST_ASK_COUNT):
                if (account.free >= most or self._is_dry(account)) and not (most and self._has_lost(till)):
                    break
                await self._ask(till, account, most, timeout_s)
            reserved = till.reserve(account, least, most)
        except LedgerError as error:
            # What is wrong is for those who run the server; callers hear nothing of files and databases.
            self._complain(error)
            raise LedgerUnavailable("the tenant's money cannot be counted now; try again later") from error
        if reserved is None:
            raise refusal(account, least, self._clock())
        return reserved

    def settle(self, reservation: Reservation, spent_usd_micros: int) -> None:
        """Count what the request has cost, answered or not; once for each reservation, and never raises."""
        try:
            reservation.till.settle(reservation, spent_usd_micros)
        except LedgerError as error:
            self._complain(error)

    def _is_dry(self, account: Account) -> bool:
        return not account.has_room and self._timer() < self._dry_until_s.get(account, 0.0)

    def _has_lost(self, till: Till) -> bool:
        """Whether others may have got what the till holds: nobody may have heard of it for too long."""
        return self._timer() - till.heard_s > LEASE_S

    def _till_of_today(self) -> Till:
        day = day_of(self._clock())
        if self._till is None or self._till.day != day or self._till.is_full:
            till = Till(self._folder, day)
            till.open()
            self._retire()
            self._till = till
        return self._till

    def _retire(self) -> None:
        if self._till is not None:
            self._past_tills.append(self._till)
            self._till = None
            self._dry_until_s.clear()

    async def _ask(self, till: Till, account: Account, need: int, timeout_s: float | None) -> None:
        """Wait for the next round. Raises LedgerError, at once where the last round did a moment ago."""
        if self._trouble is not None and self._timer() < self._trouble_until_s:
            raise LedgerError(self._trouble)
        if self._round is None:
            self._round = _Round(asyncio.get_running_loop().create_future())
        asked = self._round
        needs = asked.needs.setdefault(till, {})
        needs[account.tenant] = needs.get(account.tenant, 0) + need
        self._is_asked.set()
        wait_s = _MOST_WAIT_S if timeout_s is None else min(max(timeout_s, 0.0), _MOST_WAIT_S)
        try:
            async with asyncio.timeout(wait_s):
                trouble = await asyncio.shield(asked.done)
        except TimeoutError as exc:
            raise LedgerError(f"it has not answered within {wait_s:g} s") from exc
        if trouble is not None:
            raise LedgerError(trouble)
        if not account.has_room:
            self._dry_until_s[account] = self._timer() + _DRY_S

    async def _keep(self) -> None:
        tick_count = 0
        due_s = self._timer() + _TICK_S
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, due_s - self._timer())):
                    await self._is_asked.wait()
            self._is_asked.clear()
            try:
                await self._serve_round()
                if self._timer() >= due_s:
                    due_s = self._timer() + _TICK_S
                    tick_count += 1
                    await self._tick(is_patrol=tick_count % _TICKS_PER_PATROL == 0)
            except Exception:  # noqa: BLE001 - a bug in one round must not stop the next
                _LOG.exception("tenants' money: an unforeseen error")

    async def _serve_round(self) -> None:
        served, self._round = self._round, None
        if served is None:
            return
        trouble: str | None = "the ledger was not asked"
        began_s = self._timer()
        try:
            for till, needs in served.needs.items():
                await self._tell(till, till.claims_for(needs))
            trouble = None
        except LedgerError as error:
            self._complain(error)
            trouble = str(error)
            # As long as it took to fail: else all that come meanwhile would wait for it again.
            self._trouble_until_s = self._timer() + max(_TROUBLE_S, self._timer() - began_s)
        finally:
            self._trouble = trouble
            served.done.set_result(trouble)

    async def _tick(self, *, is_patrol: bool) -> None:
        """Tell the news. What cannot be told now stays news."""
        now_s = self._timer()
        self._dry_until_s = {account: at_s for account, at_s in self._dry_until_s.items() if at_s > now_s}
        tills = [*self._past_tills, *([] if self._till is None else [self._till])]
        try:
            for till in tills:
                await asyncio.to_thread(till.sync)
                news = till.news()
                is_due = not till.is_settled and self._timer() - till.heard_s > _BEAT_S
                if news or is_due:
                    await self._tell(till, news)
            await self._end_past_tills()
            if is_patrol:
                await self._clerk.patrol(kept=[till.book.name for till in tills])
            self._is_in_trouble = False
        except LedgerError as error:
            self._complain(error)

    async def _tell(self, till: Till, claims: Sequence[Claim]) -> None:
        began_s = self._timer()
        await self._clerk.tell(till, claims)
        till.heard_s = began_s

    async def _end_past_tills(self) -> None:
        """End tills that no request needs any more."""
        for till in [till for till in self._past_tills if till.is_settled]:
            await self._clerk.end(till)
            self._past_tills.remove(till)

    def _complain(self, error: Exception) -> None:
        """Say it once, until it has passed."""
        if not self._is_in_trouble:
            self._is_in_trouble = True
            _LOG.error("tenants' money: %s; it is tried again until it works", error)
