"""Texts longer than the context: the first tokens stay, the oldest of the others are dropped.

Attention piles up on the first tokens whatever they say, so a model goes on well without the middle but
not without them (Xiao et al. 2024, "Efficient Streaming Language Models with Attention Sinks", section 3).
"""

from __future__ import annotations

from collections import abc

import llama_cpp

from backends.errors import Unavailable
from backends.llamacpp.engine.slots import Slots
from backends.llamacpp.native import Native
from backends.serving.sequence import Sequence


class Sinks(Slots):
    """Slots that make room where they are full."""

    def __init__(self, native: Native, token_count: int) -> None:
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
        super().__init__(native)
        self._context_token_count = native.context_token_count
        self._token_count = token_count

    def arrange(self, running: abc.Sequence[Sequence]) -> None:
        """Bring sequence i of ``running`` into slot i, with room for what comes next."""
        super().arrange(running)
        for sequence in running:
            self._make_room(sequence)

    def _make_room(self, sequence: Sequence) -> None:
        """Drop the oldest half of the tokens behind the first ones, if the slot of ``sequence`` is full."""
        if sequence.position >= self._context_token_count:
            self.forget(sequence, self._token_count, (sequence.position - self._token_count) // 2)
