"""A tier's turn in a request: an attempt, a second one beside it where it is slow, others where it fails.

Decides nothing but the order; whether there is another call, ``again`` decides.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from policies.reasons import Reason
from router.again import hedge_delay_s, retry_wait_s
from router.attempt import Attempt
from router.events import Event
from router.hedged import Hedged
from router.running import Run, Runner, given_up
from router.situation import Situation


class Turn:
    """The turn of the tier called ``tier``."""

    def __init__(self, situation: Situation, tier: str, clock: Callable[[], float]) -> None:
        self._situation = situation
        self._runner = Runner(situation, situation.ladder.rung(tier), clock)
        self._last: Attempt | None = None

    @property
    def attempt(self) -> Attempt:
        """The attempt that the turn ended with."""
        assert self._last is not None, "the turn has not begun"
        return self._last

    async def run(self, reason: str) -> AsyncGenerator[Event]:
        """Ask the tier until it answers, or is not worth asking again; ``reason`` says why it is tried.

        Every attempt but the last one is rejected here.
        """
        retry_number = 0
        while True:
            run = self._runner.begin()
            self._last = run.attempt
            yield run.started(reason)
            delay_s = hedge_delay_s(self._situation, run.attempt.rung)
            if delay_s is None:
                # Read here, not by a generator of its own: each one is paid for with every token.
                async with aclosing(self._runner.texts(run)) as texts:
                    async for text in texts:
                        if text and run.is_live:
                            yield run.shown(text)
            else:
                async with aclosing(self._hedged(run, delay_s)) as events:
                    async for event in events:
                        yield event
            retry_number += 1
            wait_s = retry_wait_s(self._situation, self.attempt, retry_number)
            if wait_s is None:
                return
            yield self._voided()
            await run.attempt.tier.guard.pause(self.attempt.reason, wait_s)
            reason = Reason.RETRIED

    async def _hedged(self, run: Run, delay_s: float) -> AsyncGenerator[Event]:
        hedged = Hedged(self._runner, run, delay_s)
        async with aclosing(hedged.events()) as events:
            async for event in events:
                self._last = hedged.kept.attempt
                yield event
        self._last = hedged.kept.attempt

    def _voided(self) -> Event:
        failed = self.attempt
        assert failed.error is not None, "only what failed is asked again"
        return given_up(failed, failed.error.reason)
