"""Asks every tier every prompt, as many at once as each tier takes, and keeps each answer as it comes.

Decides what is asked again and when a tier is given up. Answers come through the router's own loop,
each tier under a policy that knows no other, so they are measured, timed and priced as those served.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Protocol

from backends.types import Prompt
from policies.guarantee.split import share_of
from router.collect.answer_log import AnswerLog
from router.collect.answers import Answer, Failure, Slot
from router.collect.cases import Case
from router.collect.purse import Purse
from router.collect.settings import policy_of
from router.core import Router
from router.errors import DeadlineExceeded, NoTierAllowed, NoTierReady, QueueFull, RoutingError
from router.events import Result
from router.request import Constraints, Request

_PASSING = (NoTierReady, QueueFull, DeadlineExceeded)
_HOPELESS_COUNT = 10
"""A tier that fails so often in a row is given up: it would fail for all that are left."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be collected.

    ``places`` by tier: answers at once. ``sample_count`` further answers of each tier are drawn at
    ``temperature``. ``retry_delays_s``: waits before a failure that may pass is tried again.
    """

    cases: Sequence[Case]
    places: Mapping[str, int]
    sample_count: int = 0
    temperature: float = 0.7
    max_cost_usd_micros: int | None = None
    retry_delays_s: tuple[float, ...] = (1.0, 5.0)

    def slots(self, tier: str) -> Iterator[tuple[Slot, Prompt]]:
        """Every answer that is wanted of ``tier``: first those that would be served, then samples."""
        for sample in range(self.sample_count + 1):
            for case in self.cases:
                slot = Slot(case.key, tier, sample)
                yield slot, case.prompt if sample == 0 else _drawn(case.prompt, slot, self.temperature)

    @property
    def count(self) -> int:
        """Answers wanted of each tier."""
        return len(self.cases) * (self.sample_count + 1)


class Watcher(Protocol):
    """Sees every answer and every failure as it is kept."""

    def ended(self, slot: Slot, what: Answer | Failure) -> None:
        """Take note; returns at once."""
        ...


@dataclass(frozen=True, slots=True)
class Ended:
    """How the run ended: ``given_up`` by tier the last reason; whether the money was used up."""

    given_up: Mapping[str, str]
    is_out_of_money: bool


async def collect(router: Router, log: AnswerLog, order: Order, watcher: Watcher) -> Ended:
    """Ask for all that ``log`` does not hold yet; its earlier failures are tried again.

    ``router`` is started and has the policies of :func:`router.collect.settings.collecting`. Cancelling
    loses the answers that are under way and no other.
    """
    purse = Purse(order.max_cost_usd_micros, log.spent_usd_micros)
    runs = {tier: _TierRun(tier, router, log, order, purse, watcher) for tier in order.places}
    async with asyncio.TaskGroup() as group:
        for tier, places in order.places.items():
            for _ in range(places):
                group.create_task(runs[tier].work())
    given_up = {tier: run.last_reason for tier, run in runs.items() if run.is_hopeless}
    return Ended(given_up, purse.is_exhausted)


class _TierRun:
    """One tier's way through the prompts, shared by its workers."""

    def __init__(
        self, tier: str, router: Router, log: AnswerLog, order: Order, purse: Purse, watcher: Watcher
    ) -> None:
        self.tier = tier
        self.last_reason = ""
        self._router = router
        self._log = log
        self._delays_s = order.retry_delays_s
        self._purse = purse
        self._watcher = watcher
        self._failed_in_a_row = 0
        self._left = ((slot, prompt) for slot, prompt in order.slots(tier) if slot not in log.answers)

    @property
    def is_hopeless(self) -> bool:
        """Whether it has failed too often in a row."""
        return self._failed_in_a_row >= _HOPELESS_COUNT

    async def work(self) -> None:
        """Answer until nothing is left, no money is, or the tier is given up."""
        for slot, prompt in self._left:
            if not self._purse.take(self.tier):
                return
            cost = 0
            try:
                ended = await self._patiently(slot, prompt)
                cost = ended.cost_usd_micros if isinstance(ended, Answer) else 0
                self._keep(slot, ended)
            finally:
                self._purse.settle(self.tier, cost)
            if self.is_hopeless:
                return

    def _keep(self, slot: Slot, ended: Answer | Failure) -> None:
        if isinstance(ended, Answer):
            self._failed_in_a_row = 0
            self._log.answered(slot, ended)
        else:
            # What may not leave the machine says nothing of the tier.
            self._failed_in_a_row += ended.reason != NoTierAllowed.reason
            self.last_reason = ended.reason
            self._log.failed(slot, ended)
        self._watcher.ended(slot, ended)

    async def _patiently(self, slot: Slot, prompt: Prompt) -> Answer | Failure:
        for delay_s in (*self._delays_s, None):
            try:
                return await self._ask(slot, prompt)
            except _PASSING as error:
                if delay_s is None or self._failed_in_a_row:
                    return Failure(error.reason)
                await asyncio.sleep(delay_s)
            except RoutingError as error:
                return Failure(error.reason)
        raise AssertionError("the last try returns")

    async def _ask(self, slot: Slot, prompt: Prompt) -> Answer:
        request = Request(
            f"collect-{slot.key}-{slot.sample}",
            prompt,
            Constraints(policy=policy_of(self.tier)),
            frozenset(prompt.terms.tags),
        )
        async with aclosing(self._router.run(request)) as events:
            async for event in events:
                if isinstance(event, Result):
                    return _answer(event)
        raise NoTierReady(f"tier {self.tier!r} ended without a result")


def _answer(result: Result) -> Answer:
    attempt = result.attempts[-1]
    return Answer(
        result.text,
        attempt.signals,
        attempt.usage.output_token_count,
        attempt.cost_usd_micros,
        attempt.latency_s,
    )


def _drawn(prompt: Prompt, slot: Slot, temperature: float) -> Prompt:
    """The prompt for a further sample: at ``temperature``, by a seed of its own."""
    seed = int(share_of(f"{slot.key} {slot.sample}", "upshift.sample") * 2**31)
    return replace(prompt, sampling=replace(prompt.sampling, temperature=temperature, seed=seed))
