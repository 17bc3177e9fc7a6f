"""One run of one probe: its calls, side by side, within what they may cost and take.

Keeps the account, also of a run that failed or was cancelled. Refuses to know what replies mean.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from typing import Self

from backends.types import Prompt, Usage
from policies.costs import attempt_cost
from policies.probes.base import Probe
from policies.probes.economy import Offer
from policies.signals.base import Answer
from router.attempt import Attempt
from router.events import ProbeReport
from router.plan import Rung

_LOG = logging.getLogger(__name__)

# As the ladder has it: a budget that would cut a reply of twice the usual length rules the probe out.
_LENGTH_MARGIN = 2.0


@dataclass(frozen=True, slots=True)
class Purse:
    """What a probe may take: ``money_usd_micros`` None: no limit. ``is_hurried``: there is a deadline."""

    money_usd_micros: int | None
    timeout_s: float
    is_hurried: bool


class ProbeRun:
    """A probe's calls to the tier of ``rung``. ``has_measured``: something came of them."""

    def __init__(
        self, probe: Probe, rung: Rung, prompts: Sequence[Prompt], expected: Usage, clock: Callable[[], float]
    ) -> None:
        self.has_measured = False
        self._probe = probe
        self._rung = rung
        self._prompts = tuple(prompts)
        self._expected = expected
        self._clock = clock
        self._timeout_s = 0.0
        self._calls: list[Attempt] = []
        self._started_s = clock()
        self._is_over = False

    @classmethod
    def within(
        cls,
        probe: Probe,
        rung: Rung,
        answer: Answer,
        attempt: Attempt,
        purse: Purse,
        clock: Callable[[], float],
    ) -> Self | None:
        """Make a run that keeps within ``purse``; None where that leaves too little, or nothing is asked."""
        prompts = probe.prompts(answer)
        expected = probe.usage(rung.input_token_count, attempt.usage.output_token_count)
        limited = _limited(rung, prompts, expected, purse)
        if not limited or (purse.is_hurried and rung.tier.limits.typical_latency_s > purse.timeout_s):
            return None
        run = cls(probe, rung, limited, expected, clock)
        run._timeout_s = purse.timeout_s
        return run

    def offer(self) -> Offer:
        """What it is expected to cost, and what it was configured to be worth."""
        options = self._probe.options
        cost = attempt_cost(
            self._rung.rates,
            self._rung.weights,
            self._expected.input_token_count,
            self._expected.output_token_count,
        )
        return Offer(self._probe.name, cost.usd_micros, options.usefulness, is_forced=options.run == "always")

    async def ask(self) -> list[Answer]:
        """Make all calls at once and return the replies of those that were answered, in order."""
        self._started_s = self._clock()
        async with asyncio.TaskGroup() as group:
            for number, prompt in enumerate(self._prompts, start=1):
                count = self._rung.tier.backend.count_tokens(prompt)
                call = Attempt(number, replace(self._rung, input_token_count=count), self._clock)
                self._calls.append(call)
                group.create_task(self._call(call, prompt))
        self._is_over = True
        pairs = zip(self._calls, self._prompts, strict=True)
        return [call.answer(prompt) for call, prompt in pairs if call.is_answered]

    async def _call(self, call: Attempt, prompt: Prompt) -> None:
        try:
            # No grace for a backend that does not keep its time: what comes after needs it.
            with suppress(TimeoutError):
                async with (
                    asyncio.timeout(self._timeout_s),
                    aclosing(call.stream(prompt, self._timeout_s)) as texts,
                ):
                    async for _ in texts:
                        pass
        except Exception as error:  # noqa: BLE001  a backend with a bug must not fail the request
            _LOG.error("probe %s: its call broke: an unforeseen %s", self._probe.name, type(error).__name__)

    def report(self) -> ProbeReport:
        """The account as it stands; costs are rounded up once, over all calls."""
        usage = sum((call.report().usage for call in self._calls), Usage())
        outcome = "measured" if self.has_measured else "silent" if self._is_over else "cancelled"
        return ProbeReport(
            name=self._probe.name,
            tier=self._rung.tier.name,
            outcome=outcome,
            usage=usage,
            cost_usd_micros=self._rung.tier.price.cost_usd_micros(usage),
            latency_s=self._clock() - self._started_s,
        )


def _limited(rung: Rung, prompts: Sequence[Prompt], expected: Usage, purse: Purse) -> tuple[Prompt, ...]:
    """``prompts`` with limits that the tier's context and the money allow; none where they are too tight."""
    if not prompts:
        return ()
    tier = rung.tier
    counts = [tier.backend.count_tokens(prompt) for prompt in prompts]
    asked = [prompt.sampling.max_output_token_count for prompt in prompts]
    limits = [tier.output_token_limit(most, count) for most, count in zip(asked, counts, strict=True)]
    paid = _paid_each(rung, counts, purse)
    usual = _LENGTH_MARGIN * expected.output_token_count / len(prompts)
    kept = [limit if paid is None else min(limit, paid) for limit in limits]
    if any(most < 1 or most < min(limit, usual) for most, limit in zip(kept, limits, strict=True)):
        return ()
    return tuple(
        replace(prompt, sampling=replace(prompt.sampling, max_output_token_count=most))
        for prompt, most in zip(prompts, kept, strict=True)
    )


def _paid_each(rung: Rung, counts: Sequence[int], purse: Purse) -> int | None:
    """Output tokens that the money pays for in each call, all being written in full; None: any number."""
    if purse.money_usd_micros is None:
        return None
    total = rung.tier.price.affordable_output_token_count(max(purse.money_usd_micros, 0), sum(counts))
    return None if total is None else total // len(counts)
