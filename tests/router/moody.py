"""A model whose every call ends as a test tells it to, and who remembers how many there were."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence

from backends.errors import BackendError, TimedOut
from backends.types import Capabilities, Completion, Delta, FinishReason, Prompt, Usage
from router.tiers import Limits, Price, Tier

Mood = str | BackendError | BaseException
PRICE = 1_000_000
"""A token costs a millionth of a dollar, so that costs are counts."""


class Moody:
    """Plays ``moods`` in the order of calls, the last one over and over.

    A text is said word by word. ``"silence"`` hangs until it is cancelled, ``"half"`` says a word and then
    hangs; errors are raised.
    """

    def __init__(self, moods: Sequence[Mood], *, external: bool = False) -> None:
        self.capabilities = Capabilities("moody", external=external, max_output_token_count=100)
        self.moods = list(moods)
        self.call_count = 0
        self.cancelled_count = 0

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
        """Play the next mood."""
        mood = self.moods[min(self.call_count, len(self.moods) - 1)]
        self.call_count += 1
        await asyncio.sleep(0)
        if isinstance(mood, BaseException):
            raise mood
        if mood == "half":
            yield Delta("half ")
        if mood in ("half", "silence"):
            await self._hang(timeout_s)
        words = mood.split()
        for word in words:
            yield Delta(f"{word} ")
        yield Completion(FinishReason.STOP, Usage(self.count_tokens(prompt), len(words)))

    async def _hang(self, timeout_s: float | None) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                await asyncio.get_running_loop().create_future()
        except TimeoutError as exc:
            raise TimedOut("silent to the end") from exc
        except asyncio.CancelledError:
            self.cancelled_count += 1
            raise


class Breaking(Moody):
    """Says a word, then raises the mood, on every call; a text is said as it is."""

    async def stream(
        self, prompt: Prompt, *, timeout_s: float | None = None
    ) -> AsyncGenerator[Delta | Completion]:
        """Say a word and break."""
        mood = self.moods[min(self.call_count, len(self.moods) - 1)]
        if isinstance(mood, BaseException):
            yield Delta("word ")
        async for item in super().stream(prompt, timeout_s=timeout_s):
            yield item


def moody(
    name: str, *moods: Mood, limits: Limits | None = None, kind: type[Moody] = Moody
) -> tuple[Tier, Moody]:
    """A tier of a moody model, and the model."""
    model = kind(moods)
    return Tier(name, "moody", model, Price(PRICE, PRICE), limits or Limits()), model
