"""How answers come into the slots of a cache and leave them; see :class:`backends.serving.parts.Memory`."""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass

import torch

from backends.errors import Unavailable
from backends.moe.loading import translated
from backends.moe.serving.cache import SlotCache
from backends.serving.sequence import Sequence


@dataclass(frozen=True, slots=True)
class State:
    """Keys and values of a text, copied out of its slot: a tensor for each tensor of each layer."""

    tensors: tuple[torch.Tensor, ...]

    @property
    def nbytes(self) -> int:
        """Bytes that it takes."""
        return sum(tensor.nbytes for tensor in self.tensors)


class SlotMemory:
    """The slots of ``cache``. Sequences stay dense: one that leaves makes the last one take its slot."""

    def __init__(self, cache: SlotCache) -> None:
        self._cache = cache

    def arrange(self, running: abc.Sequence[Sequence]) -> None:
        """Bring sequence i of ``running`` into slot i."""
        moving = [(slot, sequence) for slot, sequence in enumerate(running) if sequence.slot != slot]
        for _, sequence in moving:
            self.take_out(sequence)
        for slot, sequence in moving:
            self._bring_in(sequence, slot)

    def save(self, sequence: Sequence) -> State:
        """Copy what the slot of ``sequence`` holds of it; raises Unavailable where memory is short."""
        assert sequence.slot is not None, "only running sequences are saved"
        with translated(f"copy {sequence.computed} cached tokens"):
            return State(self._cache.read(sequence.slot, sequence.computed))

    def take_out(self, sequence: Sequence) -> None:
        """Free the slot of ``sequence``, if it has one, and keep its state beside, if there is room."""
        if sequence.slot is None:
            return
        try:
            sequence.state = self.save(sequence) if sequence.computed else None
        except Unavailable:
            sequence.reset()
        self.clear(sequence)

    def clear(self, sequence: Sequence) -> None:
        """Free the slot of ``sequence``."""
        assert sequence.slot is not None, "only running sequences have a slot"
        self._cache.wipe(sequence.slot)
        sequence.slot = None

    def truncate(self, sequence: Sequence) -> None:
        """Do nothing: what lies behind the computed tokens is behind every mask until it is written anew."""

    def _bring_in(self, sequence: Sequence, slot: int) -> None:
        sequence.slot = slot
        state, sequence.state = sequence.state, None
        try:
            if state is not None:
                with translated(f"copy {sequence.computed} cached tokens"):
                    self._cache.write(slot, state.tensors, sequence.computed)
                return
        except Unavailable:
            self._cache.wipe(slot)
        sequence.reset()
