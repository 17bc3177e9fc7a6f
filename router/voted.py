"""One run of an arm: a tier asked several times at once, and the answer that most agree with.

Text is held until the vote. A sample that fails counts as dissent, so two of three that agree are
as sure as two of three; the run fails where none answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace

from backends.errors import Unavailable
from backends.types import Prompt, Usage
from policies.samples import elected, further_prompts
from policies.signals.base import Answer
from router.arm_tier import ArmTier
from router.attempt import Attempt
from router.plan import Rung


def begun(number: int, rung: Rung, clock: Callable[[], float]) -> Attempt:
    """Make the attempt that suits the rung: a vote on an arm, a single run on a tier."""
    if isinstance(rung.tier, ArmTier):
        return Voted(number, rung, rung.tier, clock)
    return Attempt(number, rung, clock)


class Voted(Attempt):
    """One run of the arm ``arm``; its account is the sum of its samples'."""

    is_single = False

    def __init__(self, number: int, rung: Rung, arm: ArmTier, clock: Callable[[], float]) -> None:
        super().__init__(number, rung, clock)
        self._arm = arm
        one = replace(
            rung,
            tier=arm.inner,
            input_token_count=rung.input_token_count // arm.count,
            output_token_limit=rung.output_token_limit // arm.count,
        )
        self._samples = [Attempt(place, one, clock) for place in range(1, arm.count + 1)]
        self._others: tuple[str, ...] = ()

    async def stream(
        self, prompt: Prompt, timeout_s: float, ended: Callable[[], None] | None = None
    ) -> AsyncGenerator[str]:
        """Run all samples, then yield the text elected; see :meth:`Attempt.stream`.

        The output limit of ``prompt`` is for all samples together.
        """
        most = prompt.sampling.max_output_token_count
        try:
            if most is not None and most < self._arm.count:
                self.error = Unavailable(f"{most} tokens are too few for {self._arm.count} answers")
                return
            await self._draw(prompt, timeout_s)
            if text := self._elect(prompt):
                yield text
        except Exception:
            self.reason = "internal"
            raise
        finally:
            self._end(ended)

    async def _draw(self, prompt: Prompt, timeout_s: float) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for sample, asked in zip(self._samples, self._prompts(prompt), strict=True):
                    group.create_task(_drain(sample, asked, timeout_s))
        finally:
            self._told_usage = sum((sample.report().usage for sample in self._samples), Usage())
            self._is_billed = self.usage != Usage()

    def _prompts(self, prompt: Prompt) -> tuple[Prompt, ...]:
        """The prompt as asked, and as often as needed with other seeds."""
        most = prompt.sampling.max_output_token_count
        share = None if most is None else most // self._arm.count
        one = replace(prompt, sampling=replace(prompt.sampling, max_output_token_count=share))
        return (one, *further_prompts(one, self._arm.count - 1, self._arm.temperature))

    def _elect(self, prompt: Prompt) -> str:
        answered = [sample for sample in self._samples if sample.is_answered]
        if not answered:
            errors = [sample.error for sample in self._samples if sample.error is not None]
            self.error = errors[0] if errors else Unavailable(f"no sample of {self.tier.name!r} answered")
            return ""
        place = elected([sample.text for sample in answered])
        chosen = answered[place].answer(prompt)
        others = [sample.text for number, sample in enumerate(answered) if number != place]
        self._others = (*others, *[""] * (len(self._samples) - len(answered)))
        self._texts, self._reasoning, self._tokens = [chosen.text], [chosen.reasoning], list(chosen.tokens)
        self._first_token_s = self._clock()
        self.finish_reason = chosen.finish_reason
        self.stop_sequence = answered[place].stop_sequence
        return chosen.text

    def answer(self, prompt: Prompt) -> Answer:
        """The answer elected, with the others beside it."""
        return replace(super().answer(prompt), samples=self._others)


async def _drain(sample: Attempt, prompt: Prompt, timeout_s: float) -> None:
    async with aclosing(sample.stream(prompt, timeout_s)) as texts:
        async for _ in texts:
            pass
