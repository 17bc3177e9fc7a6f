"""A model that answers, samples and judges as a test tells it to, and remembers what it was asked."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator, Sequence

from backends.errors import Unavailable
from backends.types import Capabilities, Completion, Delta, FinishReason, Prompt, TokenLogprob, Usage
from router.tiers import Limits, Price, Tier

PRICE = 1_000_000
"""A token costs a millionth of a dollar, so that costs are counts."""


class ScriptedModel:
    """Says ``answers`` in the order of calls, the last one over and over.

    A question for a verdict gets Yes with probability ``yes``; ``logprob`` is every token's.
    ``"stall"`` hangs until it is cancelled, ``"fail"`` raises, ``"bug"`` raises what no backend may.
    """

    def __init__(self, answers: Sequence[str], *, yes: float = 0.5) -> None:
        self.capabilities = Capabilities("scripted", context_token_count=10_000, logprobs=True)
        self.answers = list(answers)
        self.yes = yes
        self.logprob: float | None = -0.7
        self.asked: list[Prompt] = []
        self.running = 0
        self.most_running = 0
        self.stalled = asyncio.Event()

    async def start(self) -> None:
        """Be ready."""

    async def close(self) -> None:
        """Do nothing."""

    def count_tokens(self, prompt: Prompt) -> int:
        """Words."""
        return len(prompt.text.split())

    async def stream(
        self, prompt: Prompt, *, timeout_s: float | None = None
    ) -> AsyncGenerator[Delta | Completion]:
        """Answer, word by word; never more words than asked for."""
        place = len(self.asked)
        self.asked.append(prompt)
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            await asyncio.sleep(0)
            if "Reply with one word" in prompt.text:
                yield self._verdict()
                yield Completion(FinishReason.STOP, Usage(self.count_tokens(prompt), 1))
                return
            said = self.answers[min(place, len(self.answers) - 1)]
            await self._misbehave(said)
            words = said.split()[: prompt.sampling.max_output_token_count]
            for word in words:
                tokens = () if self.logprob is None else (TokenLogprob(word, self.logprob),)
                yield Delta(f"{word} ", tokens=tokens)
            yield Completion(FinishReason.STOP, Usage(self.count_tokens(prompt), len(words)))
        finally:
            self.running -= 1

    async def _misbehave(self, said: str) -> None:
        if said == "stall":
            self.stalled.set()
            await asyncio.get_running_loop().create_future()
        if said == "fail":
            raise Unavailable("told to fail")
        if said == "bug":
            raise RuntimeError("told to break")

    def _verdict(self) -> Delta:
        top = (("Yes", math.log(self.yes)), ("No", math.log(1.0 - self.yes)))
        return Delta("Yes", tokens=(TokenLogprob("Yes", top[0][1], top=top),))


def scripted(name: str, *answers: str, price: int = PRICE, **told: float) -> tuple[Tier, ScriptedModel]:
    """A tier of a scripted model, and the model."""
    model = ScriptedModel(answers, **told)
    return Tier(name, "scripted", model, Price(price, price), Limits(typical_latency_s=0.001)), model
