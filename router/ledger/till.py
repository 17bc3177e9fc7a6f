"""The money that a process holds for one day, by tenant, and the book that it keeps of it.

Decides what can be reserved at once; ``treasury`` asks the ledger for more. Use from one thread.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from router.ledger.account import Account
from router.ledger.base import Ceiling, Claim, Grant, LedgerError
from router.ledger.book import Book

_FULL_ACCOUNT_COUNT = 10_000
"""Then another till is begun, so that made-up names of tenants do not fill the memory."""


@dataclass(frozen=True, slots=True)
class Reservation:
    """Money set aside for one request: ``amount_usd_micros``, noted in the till's book as ``number``."""

    till: Till
    account: Account
    number: int
    amount_usd_micros: int


class Till:
    """Holds the money of ``day``; ``folder`` is where its book lies.

    ``heard_s``: when, at the latest, the ledger had last heard of it, by the treasury's timer.
    """

    def __init__(self, folder: Path, day: date) -> None:
        self.day = day
        self.book = Book(folder, day)
        self.is_known = False
        self.heard_s = -math.inf
        self._accounts: dict[str, Account] = {}
        # Those that have something to tell, or idle money.
        self._lively: dict[str, Account] = {}
        self._open_count = 0

    def open(self) -> None:
        """Begin the book. Raises LedgerError."""
        try:
            self.book.open()
        except OSError as exc:
            raise LedgerError(f"no book of what is spent can be begun: {exc}") from exc

    @property
    def is_full(self) -> bool:
        """Whether another one should be begun."""
        return self.book.is_full or len(self._accounts) >= _FULL_ACCOUNT_COUNT

    @property
    def is_settled(self) -> bool:
        """Whether no request is under way on its money."""
        return self._open_count == 0

    def account(self, tenant: str, ceiling: Ceiling) -> Account:
        """The account of ``tenant``, whose ceiling from now on is this one."""
        found = self._accounts.get(tenant)
        if found is None:
            found = self._accounts[tenant] = Account(tenant, ceiling)
        found.ceiling = ceiling
        return found

    def reserve(self, account: Account, least: int, most: int) -> Reservation | None:
        """Set aside ``most``, or what there is; None: less than ``least``. Raises LedgerError."""
        amount = account.take(least, most)
        if amount is None:
            return None
        try:
            number = self.book.reserve(account.tenant, amount)
        except OSError as exc:
            account.reserved -= amount
            raise _unwritable(exc) from exc
        self._open_count += 1
        self._lively[account.tenant] = account
        return Reservation(self, account, number, amount)

    def settle(self, reservation: Reservation, spent_usd_micros: int) -> None:
        """Count what a request has cost; once for each reservation.

        Raises LedgerError where that cannot be noted now. It is counted all the same, unless the process
        dies before it can be: then all that was reserved counts.
        """
        account = reservation.account
        account.settle(reservation.amount_usd_micros, spent_usd_micros)
        self._lively[account.tenant] = account
        self._open_count -= 1
        try:
            self.book.settle(reservation.number, spent_usd_micros)
        except OSError as exc:
            raise _unwritable(exc) from exc

    def sync(self) -> None:
        """Have the book on the disk; may run beside the other methods. Raises LedgerError."""
        try:
            self.book.sync()
        except OSError as exc:
            raise _unwritable(exc) from exc

    def claims_for(self, needs: Mapping[str, int]) -> list[Claim]:
        """What is to be claimed where requests wait for money: so much more by tenant."""
        return [self._accounts[tenant].claim(need) for tenant, need in needs.items()]

    def news(self) -> list[Claim]:
        """What else is to be told to the ledger: what was spent, and what lies idle since the last time."""
        self._lively = {name: account for name, account in self._lively.items() if account.is_lively}
        told = [account for account in self._lively.values() if account.needs_telling]
        for account in self._lively.values():
            account.was_used = account.was_used and account.needs_telling
        return [account.claim(0) for account in told]

    def granted(self, grants: Mapping[str, Grant]) -> None:
        """Take in what the ledger answered, by tenant."""
        for tenant, grant in grants.items():
            self._accounts[tenant].granted(grant)
            self._lively[tenant] = self._accounts[tenant]

    def unheard(self, claims: Sequence[Claim]) -> None:
        """Take note that nobody knows whether the ledger has heard these claims."""
        for claim in claims:
            account = self._lively[claim.tenant] = self._accounts[claim.tenant]
            account.is_told = False

    def spent_usd_micros(self) -> dict[str, int]:
        """What was spent, by tenant."""
        return {tenant: account.spent for tenant, account in self._accounts.items()}


def _unwritable(error: OSError) -> LedgerError:
    return LedgerError(f"the book of what is spent cannot be written: {error}")
