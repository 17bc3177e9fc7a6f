"""The batched engine: one model, many answers, one step at a time.

Decides what may be asked of it. All methods belong on one thread and raise only BackendError.
"""

from __future__ import annotations

import time
from collections import abc
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from backends.errors import ContextTooLong, Refused, Unavailable
from backends.llamacpp.engine.adapters import Adapters
from backends.llamacpp.engine.batch import Batch
from backends.llamacpp.engine.embeddings import Embedder
from backends.llamacpp.engine.footprint import warm_up
from backends.llamacpp.engine.prefix_tiers import PrefixTiers
from backends.llamacpp.engine.sinks import Sinks
from backends.llamacpp.engine.slots import Slots
from backends.llamacpp.engine.speculation.opening import open_speculation
from backends.llamacpp.engine.writer import Writer
from backends.llamacpp.native import Native, open_model
from backends.llamacpp.options import LlamaCppOptions
from backends.load import Load
from backends.serving.prefixes import Prefixes
from backends.serving.runner import Parts, Runner
from backends.serving.scheduler import Scheduler
from backends.serving.sequence import Sequence
from backends.serving.speculation.speculation import Speculation
from backends.serving.work import Event, Work


class Engine:
    """Answers ``Work`` with ``Event`` objects.

    After ``submit`` the answer comes from ``step``, call by call, until a token that ends it, the last
    that its ``output_limit`` allows, or a Failed. Close the engine last.
    """

    def __init__(
        self,
        native: Native,
        options: LlamaCppOptions,
        clock: Callable[[], float],
        prefixes: PrefixTiers,
        speculation: Speculation | None = None,
    ) -> None:
        self.context_token_count = native.context_token_count
        self.memory_byte_count = 0
        self._native: Native | None = native
        self._vocabulary_size = native.vocabulary_size
        self._options = options
        self._clock = clock
        self._arrivals = 0
        self._embedder: Embedder | None = None
        self._speculation = speculation
        self._prefixes = prefixes
        self._adapters = Adapters(native)
        self._batch = Batch(native, self._adapters)
        self._runner = Runner(
            Scheduler(
                slot_count=native.sequence_count,
                queue_length=options.queue_length,
                step_token_count=options.batch_token_count,
                context_token_count=native.context_token_count,
                shares_prefixes=native.shares_prefixes,
            ),
            self._parts(native),
        )

    @classmethod
    def open(
        cls,
        path: Path,
        options: LlamaCppOptions,
        *,
        clock: Callable[[], float] = time.monotonic,
        extra_buffers: bool = True,
    ) -> Engine:
        """Load the model at ``path`` and its adapters, and compute once; raises Unavailable if that fails."""
        with ExitStack() as opened:
            native = open_model(path, options, extra_buffers=extra_buffers)
            opened.callback(native.free)
            byte_count = warm_up(native)
            speculation, more = open_speculation(native, options, extra_buffers=extra_buffers)
            if speculation is not None:
                opened.callback(speculation.close)
            prefixes = PrefixTiers.open(path, native, options)
            opened.callback(prefixes.close)
            engine = cls(native, options, clock, prefixes, speculation)
            engine.memory_byte_count = byte_count + more
            for name, adapter in options.adapters.items():
                engine.add_adapter(name, Path(adapter.path), adapter.scale)
            opened.pop_all()
        return engine

    def close(self) -> None:
        """Free the model and all that was made for it; does nothing the second time."""
        native, self._native = self._native, None
        if native is None:
            return
        for sequence in self._runner.sequences.values():
            sequence.close()
        if self._embedder is not None:
            self._embedder.close()
        if self._speculation is not None:
            self._speculation.close()
        self._prefixes.close()
        native.free()

    @property
    def has_work(self) -> bool:
        """Whether ``step`` would do anything."""
        return bool(self._runner.sequences or self._runner.events)

    def submit(self, work: Work) -> None:
        """Let ``work`` wait for its turn.

        Raises Overloaded where too many wait, ContextTooLong where prompt and answer do not fit, and Refused
        where it can never be done.
        """
        self._check(work)
        self._arrivals += 1
        self._runner.submit(Sequence(work, self._arrivals))

    def cancel(self, id: int) -> None:  # noqa: A002  what the messages call it
        """Stop the answer ``id`` before the next step; nothing more comes of it. Unknown ids are ignored."""
        sequence = self._runner.sequences.get(id)
        if sequence is not None:
            self._runner.drop(sequence)

    def step(self) -> list[Event]:
        """Do one step of all running answers and return what happened; one answer's fault is its own."""
        return self._runner.step(self._clock())

    def embed(self, texts_tokens: abc.Sequence[abc.Sequence[int]]) -> list[list[float]]:
        """Return the embedding of each text, of Euclidean length 1; adapters have no part in it.

        Raises ContextTooLong, Refused where a text is empty or no text of this model, and Unavailable.
        """
        for tokens in texts_tokens:
            self._check_tokens(tokens)
        if self._embedder is None:
            assert self._native is not None, "the engine is closed"
            self._embedder = Embedder(self._native)
        return [self._embedder.embed(tokens) for tokens in texts_tokens]

    def add_adapter(self, name: str, path: Path, scale: float) -> None:
        """Load a LoRA adapter, in place of one of that name; raises Unavailable where it does not fit."""
        adapter = self._adapters.open(path, scale)
        self.remove_adapter(name)
        self._adapters.add(name, adapter)

    def remove_adapter(self, name: str) -> None:
        """Drop adapter ``name``, if there is one; answers that need it fail with the next step."""
        for sequence in list(self._runner.sequences.values()):
            if sequence.work.adapter == name:
                self._runner.fail(sequence, Unavailable(f"the adapter {name!r} was removed; ask again"))
        self._adapters.remove(name)

    def load(self) -> Load:
        """How busy it is now, and what it has done so far."""
        return self._runner.load()

    def _parts(self, native: Native) -> Parts:
        count = self._options.attention_sink_token_count
        slots = Slots(native) if count is None else Sinks(native, count)
        return Parts(
            memory=slots,
            batch=self._batch,
            writer=Writer(native),
            prefixes=Prefixes(self._prefixes, slots, self._adapters.key, exact=not native.shares_prefixes),
            speculation=self._speculation,
        )

    def _check(self, work: Work) -> None:
        self._check_tokens(work.tokens + work.written)
        if len(work.written) >= work.output_limit:
            raise Refused(f"{len(work.written)} of {work.output_limit} tokens are written, so none is left")
        if work.adapter not in self._adapters:
            raise Refused(f"there is no adapter {work.adapter!r}; add it to the tier's option 'adapters'")
        if work.id in self._runner.sequences:
            raise Refused(f"the answer {work.id} is being written already; take another id")
        needed = len(work.tokens) + work.output_limit
        if needed > self.context_token_count and self._options.attention_sink_token_count is None:
            raise ContextTooLong(
                f"the prompt has {len(work.tokens)} tokens and the answer may have {work.output_limit}, but "
                f"the context only {self.context_token_count}; shorten them or raise context_token_count"
            )

    def _check_tokens(self, tokens: abc.Sequence[int]) -> None:
        """Keep from llama.cpp what it would take as a fault of the whole batch."""
        if not tokens:
            raise Refused("the prompt has no tokens; send at least one")
        if min(tokens) < 0 or max(tokens) >= self._vocabulary_size:
            raise Refused(
                f"a token is not among the {self._vocabulary_size} of the vocabulary; use this model's own"
            )
