"""A backend whose model computes in this process: an engine, a worker thread, and the rules of the seam.

Decides what every such backend has in common: loading and freeing off the event loop, one answer
at a time, the context check, the deadline, cancellation, and the account of what was used. Knows
no model library; an adapter hands in what loads its engine.
"""

from __future__ import annotations

import threading
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing, closing
from dataclasses import replace
from functools import partial

from backends.answer_text import AnswerText
from backends.deadline import deadline_after, until
from backends.engine import Engine
from backends.errors import BackendError, ContextTooLong, TimedOut, Unavailable
from backends.reasoning import ReasoningTags
from backends.threads import WorkerThread
from backends.transcript import Transcript
from backends.types import Capabilities, Completion, Delta, Prompt


class InProcessBackend:
    """Runs an engine on its own thread.

    ``load`` is called there once and returns the engine, or raises a BackendError.
    ``capabilities`` say what is known before; starting fills in the context's real length.
    """

    def __init__(
        self,
        load: Callable[[], Engine],
        capabilities: Capabilities,
        reasoning_tags: ReasoningTags | None = None,
    ) -> None:
        self.capabilities = capabilities
        self._load = load
        self._reasoning_tags = reasoning_tags
        self._worker = WorkerThread(capabilities.model)
        self._engine: Engine | None = None
        self._closed = False

    async def start(self) -> None:
        """Load the model on the worker thread; does nothing where it is loaded."""
        if self._closed:
            raise Unavailable("the backend is closed")
        await self._worker.call(self._load_engine)
        self.capabilities = replace(self.capabilities, context_token_count=self._ready().context_token_count)

    async def close(self) -> None:
        """Stop the answer that is running, end the thread, free the model."""
        self._closed = True
        await self._worker.close()
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.close()

    def count_tokens(self, prompt: Prompt) -> int:
        """Tokens of the rendered prompt, exactly."""
        return len(self._ready().encode(prompt))

    def stream(self, prompt: Prompt, *, timeout_s: float | None = None) -> AsyncGenerator[Delta | Completion]:
        """Answer ``prompt``, one delta a token, after the answers that were asked for before."""
        return self._answer(prompt, timeout_s, deadline_after(timeout_s))

    async def _answer(
        self, prompt: Prompt, timeout_s: float | None, deadline: float | None
    ) -> AsyncGenerator[Delta | Completion]:
        engine = self._ready()
        tokens = engine.encode(prompt)
        transcript = self._transcript(prompt, len(tokens), engine.context_token_count)
        produce = partial(_produce, engine, tokens, prompt, transcript)
        try:
            async with aclosing(until(self._worker.iterate(produce), deadline)) as items:
                async for item in items:
                    yield item
        except TimeoutError as exc:
            raise TimedOut(f"no complete answer within {timeout_s} s", usage=transcript.usage) from exc
        except BackendError as exc:
            exc.usage = transcript.usage
            raise
        if transcript.finish_reason is None:
            raise Unavailable("the backend was closed before the answer was complete", usage=transcript.usage)

    def _load_engine(self) -> None:
        # Kept from here on, so that close() frees it even where nobody waits for start() any more.
        if self._engine is None:
            self._engine = self._load()

    def _ready(self) -> Engine:
        if self._engine is None or self._closed:
            raise Unavailable("the backend is closed" if self._closed else "the backend has not been started")
        return self._engine

    def _transcript(self, prompt: Prompt, input_token_count: int, context_token_count: int) -> Transcript:
        room = context_token_count - input_token_count
        if room < 1:
            raise ContextTooLong(
                f"the prompt has {input_token_count} tokens and the context {context_token_count}, "
                "which leaves no room for an answer; shorten the prompt or raise context_token_count"
            )
        limit = self.capabilities.max_output_token_count
        return Transcript(
            AnswerText(prompt.sampling.stop, self._reasoning_tags),
            input_token_count=input_token_count,
            output_limit=min(prompt.sampling.max_output_token_count or limit, limit, room),
        )


def _produce(
    engine: Engine, tokens: Sequence[int], prompt: Prompt, transcript: Transcript, stop: threading.Event
) -> Iterator[Delta | Completion]:
    """Write one answer, on the worker thread."""
    if stop.is_set():
        return
    transcript.begin()
    with closing(engine.generate(tokens, prompt, stop)) as generated:
        for token in generated:
            yield transcript.add(token)
            if transcript.finish_reason is not None:
                yield Completion(transcript.finish_reason, transcript.usage)
                return
