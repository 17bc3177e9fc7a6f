"""A backend whose model computes in this process: an engine on its own thread, and the rules of the seam.

Decides what every such backend has in common: loading and freeing off the event loop, the context
check, the deadline, cancellation, and the account of what was used. Knows no model library; an adapter
hands in what loads its engine.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import closing
from dataclasses import replace

from backends.answer_text import AnswerText
from backends.engine import Engine, Token
from backends.errors import BackendError, ContextTooLong, TimedOut, Unavailable
from backends.load import Load
from backends.reasoning import ReasoningTags
from backends.sampling import with_seed
from backends.serving.thread import EngineThread
from backends.serving.work import Began, Work
from backends.transcript import Transcript
from backends.types import Capabilities, Completion, Delta, Prompt


class InProcessBackend:
    """Runs an engine on its own thread, many answers at once.

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
        self._reasoning_tags = reasoning_tags
        self._thread = EngineThread(capabilities.model, load)
        self._engine: Engine | None = None
        self._closed = False
        self._ids = itertools.count(1)

    @property
    def load(self) -> Load | None:
        """How busy the engine was, at most 0.1 s ago while it works; None before the start."""
        return self._thread.load_now

    async def start(self) -> None:
        """Load the model on the engine's thread; does nothing where it is loaded."""
        if self._closed:
            raise Unavailable("the backend is closed")
        if self._engine is None:
            engine = self._engine = await self._thread.start()
            self.capabilities = replace(self.capabilities, context_token_count=engine.context_token_count)

    async def close(self) -> None:
        """Stop the answers that are running, end the thread, free the model."""
        self._closed = True
        await self._thread.close()
        self._engine = None

    def count_tokens(self, prompt: Prompt) -> int:
        """Tokens of the rendered prompt, exactly."""
        return len(self._ready().encode(prompt))

    def stream(self, prompt: Prompt, *, timeout_s: float | None = None) -> AsyncGenerator[Delta | Completion]:
        """Answer ``prompt``, one delta a token, beside the answers that are being written already."""
        deadline_s = None if timeout_s is None else time.monotonic() + timeout_s
        return self._answer(prompt, timeout_s, deadline_s)

    async def _answer(
        self, prompt: Prompt, timeout_s: float | None, deadline_s: float | None
    ) -> AsyncGenerator[Delta | Completion]:
        engine = self._ready()
        work = self._work(prompt, tuple(engine.encode(prompt)), engine.context_token_count, deadline_s)
        transcript = Transcript(
            AnswerText(prompt.sampling.stop, self._reasoning_tags),
            input_token_count=len(work.tokens),
            output_limit=work.output_limit,
        )
        try:
            with closing(self._thread.submit(work)) as pending:
                while transcript.finish_reason is None:
                    event = await pending.next()
                    if isinstance(event, Began):
                        transcript.begin()
                    else:
                        yield transcript.add(Token(event.logprob, event.ends))
        except TimeoutError as exc:
            raise TimedOut(f"no complete answer within {timeout_s} s", usage=transcript.usage) from exc
        except BackendError as exc:
            exc.usage = transcript.usage
            raise
        yield Completion(transcript.finish_reason, transcript.usage, stop_sequence=transcript.stop_sequence)

    def _ready(self) -> Engine:
        if self._engine is None or self._closed:
            raise Unavailable("the backend is closed" if self._closed else "the backend has not been started")
        return self._engine

    def _work(
        self, prompt: Prompt, tokens: tuple[int, ...], context_token_count: int, deadline_s: float | None
    ) -> Work:
        """Put ``prompt`` for the engine; raises ContextTooLong where there is no room for an answer."""
        room = context_token_count - len(tokens)
        if room < 1:
            raise ContextTooLong(
                f"the prompt has {len(tokens)} tokens and the context {context_token_count}, "
                "which leaves no room for an answer; shorten the prompt or raise context_token_count"
            )
        limit = self.capabilities.max_output_token_count
        return Work(
            id=next(self._ids),
            tokens=tokens,
            sampling=with_seed(prompt.sampling),
            output_limit=min(prompt.sampling.max_output_token_count or limit, limit, room),
            response_format=prompt.response_format,
            caller=prompt.caller,
            deadline_s=deadline_s,
        )
