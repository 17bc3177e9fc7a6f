"""Tiers that start, tiers that do not, and tiers that come back."""

from __future__ import annotations

import asyncio

from backends.echo import EchoBackend, EchoOptions
from backends.errors import Unavailable
from router.readiness import Readiness
from router.tiers import Limits, Price, Tier


class LateBackend(EchoBackend):
    """Fails to start ``failure_count`` times."""

    def __init__(self, failure_count: int) -> None:
        super().__init__(EchoOptions())
        self.failure_count = failure_count

    async def start(self) -> None:
        """Fail, until it does not."""
        if self.failure_count:
            self.failure_count -= 1
            raise Unavailable("not yet")


def late_tier(failure_count: int) -> Tier:
    """A tier that is late."""
    return Tier("late", "echo", LateBackend(failure_count), Price(), Limits())


async def test_a_tier_that_fails_to_start_does_not_keep_others_down() -> None:
    """Starting returns with the sound tier ready and the broken one not."""
    broken, sound = late_tier(10**9), late_tier(0)
    readiness = Readiness([broken, sound])
    await readiness.start()
    assert (broken.ready, sound.ready) == (False, True)
    await readiness.close()


async def test_a_tier_comes_back_by_itself() -> None:
    """A tier that failed to start is tried again until it is ready."""
    tier = late_tier(3)
    readiness = Readiness([tier], first_delay_s=0.0, last_delay_s=0.0)
    await readiness.start()
    async with asyncio.timeout(30):
        while not tier.ready:
            await asyncio.sleep(0)
    await readiness.close()


async def test_closing_ends_the_revivals() -> None:
    """Nothing goes on trying after close."""
    readiness = Readiness([late_tier(10**9)])
    await readiness.start()
    await readiness.close()
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("revive")]
