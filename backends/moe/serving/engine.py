"""The engine of the local tier: a loaded model, and what carries answers through its steps."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch

from backends.errors import ContextTooLong, Refused
from backends.load import Load
from backends.moe.experts.function import experts_of
from backends.moe.options import MoeOptions
from backends.moe.serving.batch import SlotBatch
from backends.moe.serving.cache import Int8Layer, SlotCache, SlotLayer
from backends.moe.serving.coarseness import Coarseness
from backends.moe.serving.layout import Layout, layout_of
from backends.moe.serving.memory import SlotMemory
from backends.moe.serving.replays import Replays
from backends.moe.serving.serial import SerialBatch, SerialMemory
from backends.moe.serving.step import Step
from backends.moe.serving.trial import computes_on_slots
from backends.moe.serving.writer import WordWriter
from backends.moe.words import Words
from backends.serving.parts import Batch, Memory
from backends.serving.prefix_cache import PrefixCache
from backends.serving.prefixes import Prefixes
from backends.serving.runner import Parts, Runner
from backends.serving.scheduler import Scheduler
from backends.serving.sequence import Sequence
from backends.serving.speculation.gate import Gate
from backends.serving.speculation.lookup import Lookup
from backends.serving.speculation.speculation import Speculation
from backends.serving.work import Event, Work
from backends.types import Prompt

logger = logging.getLogger(__name__)


class MoeEngine:
    """An :class:`backends.engine.Engine` on a transformers model, which is left as it is.

    ``context_token_count`` are the most tokens of prompt and answer together.
    """

    def __init__(
        self,
        model: Any,
        words: Words,
        options: MoeOptions,
        context_token_count: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.context_token_count = context_token_count
        self._model = model
        self._experts = experts_of(model)
        self._words = words
        self._clock = clock
        self._arrivals = 0
        self._vocabulary_size = model.get_input_embeddings().weight.shape[0]
        self._runner = _runner(model, words, options, context_token_count)

    @property
    def has_work(self) -> bool:
        """Whether ``step`` would do anything."""
        return bool(self._runner.sequences or self._runner.events)

    def encode(self, prompt: Prompt) -> list[int]:
        """Token ids of the rendered prompt; safe beside all else, see :class:`Words`."""
        return self._words.encode(prompt)

    def submit(self, work: Work) -> None:
        """Let ``work`` wait for its turn.

        Raises Overloaded where too many wait, ContextTooLong where it does not fit, and Refused where it can
        never be done.
        """
        # A GPU that looks a token up where there is none is lost for the process.
        if not work.tokens or max(work.tokens) >= self._vocabulary_size or min(work.tokens) < 0:
            raise Refused(
                f"the prompt has no tokens, or one that is not among the {self._vocabulary_size} of the model"
            )
        if len(work.tokens) + work.output_limit > self.context_token_count:
            raise ContextTooLong(
                f"the prompt has {len(work.tokens)} tokens and the answer may have {work.output_limit}, but "
                f"the context only {self.context_token_count}; shorten them or raise context_token_count"
            )
        self._arrivals += 1
        self._runner.submit(Sequence(work, self._arrivals))

    def cancel(self, id: int) -> None:  # noqa: A002  what events call it
        """Stop the answer ``id`` before the next step; unknown ids are ignored."""
        sequence = self._runner.sequences.get(id)
        if sequence is not None:
            self._runner.drop(sequence)

    def step(self) -> list[Event]:
        """Do one step of all running answers and return what happened; one answer's fault is its own."""
        return self._runner.step(self._clock())

    def load(self) -> Load:
        """How busy it is now, and what it has done so far."""
        load = self._runner.load()
        return load if self._experts is None else replace(load, hit_rate=self._experts.stats.hit_rate)

    def close(self) -> None:
        """Free the model."""
        if self._experts is not None:
            self._experts.close()
        self._model = self._runner = self._experts = None  # type: ignore[assignment]
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def _runner(model: Any, words: Words, options: MoeOptions, context_token_count: int) -> Runner:
    layout = layout_of(model.config)
    if layout is not None and not computes_on_slots(model, layout):
        layout = None
    memory, batch = _serial(model) if layout is None else _slots(model, layout, options, context_token_count)
    scheduler = Scheduler(
        slot_count=1 if layout is None else options.sequence_count,
        queue_length=options.queue_length,
        step_token_count=options.batch_token_count,
        context_token_count=context_token_count,
        shares_prefixes=layout is not None,
    )
    speculation = None
    if layout is not None and options.speculation == "lookup":
        speculation = Speculation(Lookup(), Gate(), context_token_count)
    prefixes = Prefixes(PrefixCache(options.prefix_cache_mib * 2**20), memory, exact=layout is None)
    return Runner(scheduler, Parts(memory, batch, WordWriter(words), prefixes, speculation))


def _slots(model: Any, layout: Layout, options: MoeOptions, context_token_count: int) -> tuple[Memory, Batch]:
    layer = Int8Layer if options.kv_cache_type == "int8" else SlotLayer
    cache = SlotCache(layout.layer_count, options.sequence_count, context_token_count, layer)
    is_static = model.device.type == "cuda"
    step = Step(model, cache, layout)
    replays = _replays(model, step, cache, options) if is_static else None
    batch = SlotBatch(
        step, cache, model.device, is_static=is_static, replays=replays, coarseness=_coarseness(model)
    )
    return SlotMemory(cache), batch


def _replays(model: Any, step: Step, cache: SlotCache, options: MoeOptions) -> Replays | None:
    """What records steps; None where the experts ask the device for values, or nobody wants it."""
    experts = experts_of(model)
    asks = experts is not None and experts.captured_token_count == 0
    eager = experts is None and getattr(model.config, "_experts_implementation", None) == "eager"
    if asks or eager or not options.cuda_graphs:
        return None
    return Replays(step, cache, model.device, None if experts is None else experts.captured_token_count)


def _serial(model: Any) -> tuple[Memory, Batch]:
    logger.warning(
        "%s keeps more of a text than keys and values, or reads them in a way of its own: "
        "its answers are written one at a time, without guesses",
        type(model).__name__,
    )
    memory = SerialMemory(model.config)
    return memory, SerialBatch(model, memory, _coarseness(model))


def _coarseness(model: Any) -> Coarseness:
    experts = experts_of(model)
    return Coarseness(experts.little_mass if experts is not None and experts.has_little else None)
