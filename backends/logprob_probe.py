"""Whether a server gives log-probabilities: found out by asking for one token, never assumed."""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Protocol

from backends.errors import BackendError, Overloaded
from backends.streamed_answer import StreamedAnswer
from backends.types import Delta, Message, Prompt, Role, Sampling, TokenLogprob


class Asked(Protocol):
    """A backend over HTTP, as far as the probe needs it."""

    def new_answer(self, prompt: Prompt, input_token_count: int) -> StreamedAnswer:
        """Make the account of an answer."""
        ...

    def deltas(self, prompt: Prompt, answer: StreamedAnswer) -> AsyncGenerator[Delta]:
        """Ask, and yield what comes."""
        ...


async def gives_logprobs(backend: Asked) -> bool:
    """Ask for one token; a server that cannot do it may refuse in any way, or leave them out.

    Raises Overloaded where the server is full, for then it has said nothing about them.
    """
    prompt = Prompt((Message(Role.USER, "1"),), Sampling(max_output_token_count=1))
    tokens: list[TokenLogprob] = []
    try:
        async with aclosing(backend.deltas(prompt, backend.new_answer(prompt, 1))) as deltas:
            async for delta in deltas:
                tokens += delta.tokens
    except Overloaded:
        raise
    except BackendError:
        return False
    return any(math.isfinite(token.logprob) for token in tokens)
