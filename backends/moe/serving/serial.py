"""One text at a time on transformers' own cache, for models whose memory slots cannot hold.

Such a memory cannot be cut back, so guesses are out of the question and only whole states can be reused.
"""

from __future__ import annotations

import copy
from collections import abc
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from transformers import DynamicCache

from backends.moe.loading import translated
from backends.moe.serving.coarseness import Coarseness
from backends.serving.parts import Logits
from backends.serving.scheduler import Row
from backends.serving.sequence import Sequence


@dataclass(frozen=True, slots=True)
class Kept:
    """A cache that was put aside."""

    cache: DynamicCache

    @property
    def nbytes(self) -> int:
        """Bytes that it takes."""
        return sum(tensor.nbytes for layer in self.cache.layers for tensor in _tensors(vars(layer)))


class SerialMemory:
    """The one slot; see :class:`backends.serving.parts.Memory`."""

    def __init__(self, config: Any) -> None:
        self._config = config
        self.cache = DynamicCache(config=config)

    def arrange(self, running: abc.Sequence[Sequence]) -> None:
        """Bring the one running sequence into the slot."""
        for sequence in running:
            if sequence.slot is None:
                state, sequence.state, sequence.slot = sequence.state, None, 0
                if state is None:
                    self.truncate(sequence)
                else:
                    self.cache = copy.deepcopy(state.cache)

    def save(self, sequence: Sequence) -> Kept:  # noqa: ARG002  there is but one
        """Copy the cache."""
        return Kept(copy.deepcopy(self.cache))

    def take_out(self, sequence: Sequence) -> None:
        """Free the slot and keep the cache beside."""
        if sequence.slot is not None:
            sequence.state = Kept(self.cache) if sequence.computed else None
            sequence.slot = None

    def clear(self, sequence: Sequence) -> None:
        """Free the slot."""
        sequence.slot = None

    def truncate(self, sequence: Sequence) -> None:
        """Forget all: nothing less is possible."""
        sequence.reset()
        self.cache = DynamicCache(config=self._config)


class SerialBatch:
    """Computes one row; see :class:`backends.serving.parts.Batch`."""

    def __init__(self, model: Any, memory: SerialMemory, coarseness: Coarseness | None = None) -> None:
        """Store; without ``coarseness`` nobody tells how coarsely a row was computed."""
        self._model = model
        self._coarseness = coarseness or Coarseness(None)
        self._memory = memory

    @torch.inference_mode()
    def compute(self, rows: list[Row]) -> Logits:
        """Compute the one row there can be."""
        (row,) = rows
        tokens = row.sequence.tokens[row.sequence.computed : row.sequence.computed + row.count]
        with translated(f"compute {len(tokens)} tokens"):
            output = self._model(
                input_ids=torch.tensor([tokens], device=self._model.device),
                past_key_values=self._memory.cache,
                use_cache=True,
                logits_to_keep=1,
            )
            logits: Logits = output.logits[0].float().cpu().numpy()
        if (shares := self._coarseness.of_pass(1, len(tokens))) is not None:
            self._coarseness.note(row.sequence, shares[0, -1:].tolist())
        return logits


def _tensors(found: Any) -> Iterator[torch.Tensor]:
    if isinstance(found, torch.Tensor):
        yield found
    elif isinstance(found, dict):
        for value in found.values():
            yield from _tensors(value)
