"""Small ways to ask a backend and to note what it says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from backends.llamacpp.backend import LlamaCppBackend
from backends.llamacpp.options import LlamaCppOptions
from backends.llamacpp.worker.supervisor import Supervisor
from backends.llamacpp.worker.tickets import AnswerTicket
from backends.types import Delta, Message, Prompt, Role, Sampling, TokenLogprob


@asynccontextmanager
async def started(model: Path, **options: Any) -> AsyncIterator[LlamaCppBackend]:
    """A backend on ``model``, small and on one thread, closed afterwards."""
    defaults: dict[str, Any] = {"batch_token_count": 32, "thread_count": 1}
    backend = LlamaCppBackend(LlamaCppOptions(model=str(model), **(defaults | options)))
    try:
        await backend.start()
        yield backend
    finally:
        await backend.close()


def ask(content: str, limit: int = 40, **more: Any) -> Prompt:
    """A prompt of one message; what is not the prompt's goes to its sampling."""
    own = {name: more.pop(name) for name in ("response_format", "caller") if name in more}
    prompt = Prompt((Message(Role.USER, content),), Sampling(max_output_token_count=limit, **more))
    return replace(prompt, **own)


async def write(backend: LlamaCppBackend, prompt: Prompt, **more: Any) -> tuple[str, list[TokenLogprob]]:
    """Text and tokens of a whole answer."""
    deltas = [item async for item in backend.stream(prompt, **more) if isinstance(item, Delta)]
    return "".join(delta.text for delta in deltas), [token for delta in deltas for token in delta.tokens]


async def texts(backend: LlamaCppBackend, prompts: list[Prompt]) -> list[str]:
    """Texts of answers that are written at once."""
    return [text for text, _ in await asyncio.gather(*(write(backend, prompt) for prompt in prompts))]


def supervisor_of(backend: LlamaCppBackend) -> Supervisor:
    """What keeps the backend's worker."""
    assert backend._lease is not None
    return backend._lease.supervisor


def process_of(backend: LlamaCppBackend) -> int:
    """The process id of the backend's worker."""
    process_id = supervisor_of(backend).process_id
    assert process_id is not None
    return process_id


def answers_under_way(backend: LlamaCppBackend) -> list[AnswerTicket]:
    """Answers that the backend's worker has not completed."""
    tickets = supervisor_of(backend)._tickets.values()
    return [ticket for ticket in tickets if isinstance(ticket, AnswerTicket)]
