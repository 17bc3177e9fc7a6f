"""An attempt, and a second one beside it where it is silent for too long: what speaks first is kept.

The other one is cancelled at once, and what it cost is booked.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from policies.reasons import Reason
from router.again import may_hedge
from router.attempt import Attempt
from router.events import Event
from router.race import Race
from router.running import Run, Runner, given_up

HEDGE_LOST = "hedge_lost"
"""Why an attempt was given up: another one at the same tier spoke first."""


class Hedged:
    """Runs ``lead`` with a second chance after ``delay_s``. ``kept`` is the attempt that counts."""

    def __init__(self, runner: Runner, lead: Run, delay_s: float) -> None:
        self._runner = runner
        self._guard = lead.attempt.tier.guard
        self._delay_s = delay_s
        self._lead = lead
        self.kept = lead

    async def events(self) -> AsyncGenerator[Event]:
        """All that happens after the start of the first attempt; the one that is not kept is rejected."""
        texts = self._runner.texts(self._lead)
        runs = {texts: self._lead}
        async with Race() as race:
            race.start(texts)
            if not await race.is_heard(self._delay_s) and may_hedge(self._runner.situation, self._lead):
                second = self._runner.begin()
                yield second.started(Reason.HEDGED)
                self._guard.hedged(self._delay_s)
                texts = self._runner.texts(second)
                runs[texts] = second
                race.start(texts)
            was_hedged = len(runs) > 1
            texts, head = await race.first()
            if was_hedged and head is None and not runs[texts].attempt.is_answered:
                yield _failed(runs.pop(texts).attempt)
                texts, head = await race.first()
            self.kept = runs.pop(texts)
            async with aclosing(texts):
                await race.stop()
                for lost in runs.values():
                    yield self._lost(lost)
                if was_hedged:
                    self._guard.hedge_ended(won=self.kept is not self._lead)
                if head and self.kept.is_live:
                    yield self.kept.shown(head)
                async for text in texts:
                    if text and self.kept.is_live:
                        yield self.kept.shown(text)

    def _lost(self, run: Run) -> Event:
        # It was slow; left out, slow calls would seem to become fewer, and hedges more.
        self._guard.hedge_delay.add(run.attempt.report().latency_s)
        return given_up(run.attempt, HEDGE_LOST)


def _failed(attempt: Attempt) -> Event:
    return given_up(attempt, attempt.error.reason if attempt.error else attempt.reason)
