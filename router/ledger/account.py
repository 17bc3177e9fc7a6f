"""One tenant's money in this process, on one day: what is held of it, and what should be. Pure."""

from __future__ import annotations

from router.ledger.base import Ceiling, Claim, Grant

_PORTIONS = 16
"""Of the room that was left, one such part is claimed beyond what is needed now: so it is used up in steps
that get smaller, and what one process holds idle never keeps others from more than a small part."""


class Account:
    """Holds what was granted; ``least``, ``most`` and all other money in millionths of a US dollar.

    ``held`` = spent + reserved + free. ``spent`` may pass what was reserved for it: it is a fact; ``told`` is
    what the last claim said of it.
    """

    __slots__ = ("ceiling", "grant", "held", "is_told", "reserved", "spent", "tenant", "told", "was_used")

    def __init__(self, tenant: str, ceiling: Ceiling) -> None:
        self.tenant = tenant
        self.ceiling = ceiling
        self.held = 0
        self.spent = 0
        self.reserved = 0
        self.grant: Grant | None = None
        self.told = 0
        self.is_told = True
        self.was_used = False

    @property
    def spent_today(self) -> int:
        """What all processes have spent today, as far as it is known here."""
        return self.spent + (self.grant.spent_today_usd_micros - self.told if self.grant else 0)

    @property
    def spent_this_month(self) -> int:
        """The same, of this month."""
        return self.spent + (self.grant.spent_this_month_usd_micros - self.told if self.grant else 0)

    @property
    def free(self) -> int:
        """What may be reserved without asking."""
        return self.held - self.spent - self.reserved

    @property
    def has_room(self) -> bool:
        """Whether more could be had when the ledger was last asked; True where it never was."""
        return self.grant is None or self.grant.room_usd_micros > 0

    def take(self, least: int, most: int) -> int | None:
        """Reserve as much as there is up to ``most``; None: there is less than ``least``."""
        amount = min(most, max(self.free, 0))
        if amount < least:
            return None
        self.reserved += amount
        self.was_used = True
        return amount

    def settle(self, amount: int, spent: int) -> None:
        """Count ``spent`` in place of a reservation of ``amount``."""
        self.reserved -= amount
        self.spent += spent
        self.is_told = False

    def claim(self, need: int) -> Claim:
        """Say what was spent and what to hold; ``need`` is what waits for money. Gives back what is idle."""
        extra = 0
        if (need or self.was_used) and self.grant is not None:
            extra = (self.grant.room_usd_micros + max(self.free, 0)) // _PORTIONS
        self.was_used = False
        self.is_told = True
        self.told = self.spent
        wanted = self.spent + self.reserved + need + extra
        # What is given back must not be taken any more, also while the ledger has not heard of it.
        self.held = min(self.held, wanted)
        return Claim(self.tenant, self.spent, wanted, self.ceiling)

    def granted(self, grant: Grant) -> None:
        """Take in what the ledger answered."""
        self.held = grant.held_usd_micros
        self.grant = grant

    @property
    def needs_telling(self) -> bool:
        """Whether a claim without need would change anything: spending that is not told, or idle money."""
        return not self.is_told or (self.free > 0 and not self.was_used)

    @property
    def is_lively(self) -> bool:
        """Whether there will be something to tell, even if nothing happens any more."""
        return not self.is_told or self.free > 0
