"""Texts longer than the context: the first tokens stay, the oldest of the others are dropped.

Attention piles up on the first tokens whatever they say, so a model goes on well without the middle but
not without them (Xiao et al. 2024, "Efficient Streaming Language Models with Attention Sinks", section 3).
"""

from __future__ import annotations

import llama_cpp

from backends.errors import Unavailable
from backends.llamacpp.engine.sequence import Sequence
from backends.llamacpp.engine.slots import Slots
from backends.llamacpp.native import Native


class Sinks:
    """Makes room in full slots."""

    def __init__(self, native: Native, token_count: int, slots: Slots) -> None:
        """Keep ``token_count`` tokens; raises Unavailable where model or context do not allow it."""
        if not llama_cpp.llama_memory_can_shift(native.memory) or not native.forgets_tails:
            raise Unavailable(
                "this model cannot forget single tokens; leave attention_sink_token_count unset"
            )
        if token_count > native.context_token_count // 2:
            raise Unavailable(
                f"attention_sink_token_count {token_count} leaves too little of a context of "
                f"{native.context_token_count} tokens; take at most half"
            )
        self._context_token_count = native.context_token_count
        self._token_count = token_count
        self._slots = slots

    def make_room(self, sequence: Sequence) -> None:
        """Drop the oldest half of the tokens behind the first ones, if the slot of ``sequence`` is full."""
        if sequence.position >= self._context_token_count:
            self._slots.forget(sequence, self._token_count, (sequence.position - self._token_count) // 2)
