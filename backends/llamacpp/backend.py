"""A GGUF model behind the backend seam: computed in a worker process, many answers at once.

Decides what a request means for the engine: its tokens, its room, its adapter, its deadline. The model
file is first opened by the worker, so one that kills whoever reads it never kills the service.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from backends.answer_text import AnswerText
from backends.engine import Token
from backends.errors import BackendError, ContextTooLong, TimedOut, Unavailable
from backends.llamacpp.model_file import find_model, model_name
from backends.llamacpp.options import LlamaCppOptions
from backends.llamacpp.worker.messages import AddAdapter, Embed, Open, RemoveAdapter
from backends.llamacpp.worker.models import Health, KilledWorker
from backends.llamacpp.worker.sharing import Lease, lease
from backends.llamacpp.worker.suspicion import Suspicion, identity_of
from backends.load import Load
from backends.sampling import with_seed
from backends.serving.work import Began, Work
from backends.transcript import Transcript
from backends.types import Capabilities, Completion, Delta, Prompt

if TYPE_CHECKING:
    from backends.llamacpp.vocabulary import Vocabulary

# Texts that one step of the worker embeds: answers that it writes meanwhile wait for that long.
_EMBED_TEXT_COUNT = 4


class LlamaCppBackend:
    """Computes a quantised model with llama.cpp, with exact log-probabilities and answers held to a form.

    Is an :class:`backends.base.Embedder` too.
    """

    Options = LlamaCppOptions

    def __init__(self, options: LlamaCppOptions) -> None:
        self.options = options
        self.capabilities = Capabilities(
            model=model_name(options.model),
            context_token_count=options.context_token_count,
            max_output_token_count=options.max_output_token_count,
            logprobs=True,
            json_schema=True,
            regex=True,
            grammar=True,
        )
        self._adapter_of = {
            tenant: name for name, adapter in options.adapters.items() for tenant in adapter.tenants
        }
        self._lease: Lease | None = None
        self._vocabulary: Vocabulary | None = None
        self._suspicion = Suspicion()
        self._closed = False

    @property
    def load(self) -> Load | None:
        """How busy the engine is; at most 0.1 s old while it works. None before the first start."""
        return None if self._lease is None else self._lease.supervisor.load(self._lease.model)

    @property
    def health(self) -> Health:
        """How the worker's part is."""
        if self._lease is None:
            return Health("failed", "the backend is closed" if self._closed else "it has not been started")
        return self._lease.supervisor.health(self._lease.model)

    async def start(self) -> None:
        """Load the model in a worker, then its vocabulary here; does nothing where both are loaded."""
        self._check_open()
        if self._vocabulary is not None:
            return
        path, options = await asyncio.to_thread(_find, self.options)
        self._suspicion.check(path)
        identity = identity_of(path)
        held = self._lease = lease(self.options.worker, self.capabilities.model)
        try:
            opened = await held.supervisor.open(Open(held.model, str(path), options))
            vocabulary = await asyncio.to_thread(_open_vocabulary, path, identity)
        except BaseException as exc:
            if isinstance(exc, KilledWorker):
                self._suspicion.raise_against(path, exc)
            self._lease = None
            await held.release()
            raise
        try:
            self._check_open()
        except Unavailable:
            vocabulary.close()
            raise
        self._vocabulary = vocabulary
        endless = self.options.attention_sink_token_count is not None
        self.capabilities = replace(
            self.capabilities, context_token_count=None if endless else opened.context_token_count
        )

    async def close(self) -> None:
        """Stop all answers and free everything; a worker that others use goes on."""
        self._closed = True
        held, self._lease = self._lease, None
        if held is not None:
            await held.release()
        vocabulary, self._vocabulary = self._vocabulary, None
        if vocabulary is not None:
            vocabulary.close()

    def count_tokens(self, prompt: Prompt) -> int:
        """Tokens of the rendered prompt, exactly."""
        return len(self._ready()[1].encode(prompt))

    def stream(self, prompt: Prompt, *, timeout_s: float | None = None) -> AsyncGenerator[Delta | Completion]:
        """Answer ``prompt``, one delta a token, beside the answers that are being written already."""
        deadline_s = None if timeout_s is None else time.monotonic() + timeout_s
        return self._answer(prompt, timeout_s, deadline_s)

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return the embeddings; see :class:`backends.base.Embedder`."""
        held, vocabulary = self._ready()
        vectors: list[list[float]] = []
        for start in range(0, len(texts), _EMBED_TEXT_COUNT):
            tokens = tuple(
                tuple(vocabulary.encode_text(text)) for text in texts[start : start + _EMBED_TEXT_COUNT]
            )
            order = Embed(held.model, held.supervisor.new_id(), tokens)
            vectors += [list(vector) for vector in (await held.supervisor.call(order)).vectors]
        return vectors

    async def load_adapter(
        self, name: str, path: Path, *, scale: float = 1.0, tenants: Sequence[str] = ()
    ) -> None:
        """Load a LoRA adapter while the model runs and answer ``tenants`` with it from now on.

        ``path`` is absolute. One of the same name is replaced. Raises Unavailable where it does not fit.
        """
        held, _ = self._ready()
        number = held.supervisor.new_id()
        await held.supervisor.call(AddAdapter(held.model, number, name, str(path), scale))
        self._forget_adapter(name)
        self._adapter_of |= dict.fromkeys(tenants, name)

    async def unload_adapter(self, name: str) -> None:
        """Forget a LoRA adapter; its tenants are answered without. Unknown names are ignored."""
        held, _ = self._ready()
        self._forget_adapter(name)
        await held.supervisor.call(RemoveAdapter(held.model, held.supervisor.new_id(), name))

    def _forget_adapter(self, name: str) -> None:
        self._adapter_of = {tenant: known for tenant, known in self._adapter_of.items() if known != name}

    async def _answer(
        self, prompt: Prompt, timeout_s: float | None, deadline_s: float | None
    ) -> AsyncGenerator[Delta | Completion]:
        held, vocabulary = self._ready()
        tokens = vocabulary.encode(prompt)
        output_limit = self._output_limit(prompt, len(tokens))
        transcript = Transcript(
            AnswerText(prompt.sampling.stop, self.options.reasoning_tags),
            input_token_count=len(tokens),
            output_limit=output_limit,
        )
        work = Work(
            id=held.supervisor.new_id(),
            tokens=tuple(tokens),
            sampling=with_seed(prompt.sampling),
            output_limit=output_limit,
            response_format=prompt.response_format,
            caller=prompt.caller,
            adapter=self._adapter_of.get(prompt.caller.tenant),
            deadline_s=deadline_s,
        )
        try:
            with closing(held.supervisor.submit(held.model, work)) as ticket:
                while transcript.finish_reason is None:
                    event = await ticket.next()
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

    def _check_open(self) -> None:
        if self._closed:
            raise Unavailable("the backend is closed")

    def _ready(self) -> tuple[Lease, Vocabulary]:
        self._check_open()
        if self._lease is None or self._vocabulary is None:
            raise Unavailable("the backend has not been started")
        return self._lease, self._vocabulary

    def _output_limit(self, prompt: Prompt, input_token_count: int) -> int:
        """Tokens that the answer may have; raises ContextTooLong where there is no room for any."""
        limit = self.capabilities.max_output_token_count
        asked = min(prompt.sampling.max_output_token_count or limit, limit)
        context_token_count = self.capabilities.context_token_count
        if context_token_count is None:
            return asked
        room = context_token_count - input_token_count
        if room < 1:
            raise ContextTooLong(
                f"the prompt has {input_token_count} tokens and the context {context_token_count}, "
                "which leaves no room for an answer; shorten the prompt or raise context_token_count"
            )
        return min(asked, room)


def _find(options: LlamaCppOptions) -> tuple[Path, LlamaCppOptions]:
    """The model's file, and options with the draft model's; absolute: the worker may be somewhere else."""
    path = find_model(options.model, options.sha256).absolute()
    if options.draft_model is not None:
        draft = find_model(options.draft_model, option="draft_model").absolute()
        options = options.model_copy(update={"draft_model": str(draft)})
    return path, options


def _open_vocabulary(path: Path, identity: tuple[int, ...]) -> Vocabulary:
    """Open here what the worker has opened unharmed, and nothing else."""
    if identity_of(path) != identity:
        raise Unavailable(f"{path} was changed while it was loaded; start again")
    # Imported when a model is wanted, so that checking a configuration costs no library.
    from backends.llamacpp.vocabulary import Vocabulary

    return Vocabulary.open(path)
