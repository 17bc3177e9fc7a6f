"""Makes rectangles of the rows of a step, computes them, and picks the logits that are drawn from.

Answers that are written have one token each, or one and as many guesses as the others: one rectangle.
Prompts differ in length. Those of about equal length are read together, the shorter ones filled up with
their own last token at its own place: that computes the same again and touches no expert that would
otherwise not be used.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from backends.moe.loading import translated
from backends.moe.serving.cache import SlotCache
from backends.moe.serving.coarseness import Coarseness
from backends.moe.serving.place import Place, Spans
from backends.moe.serving.replays import Replays
from backends.moe.serving.step import Inputs, Shape, Step
from backends.serving.parts import Logits
from backends.serving.scheduler import Row

# So much more may be computed than is asked for before prompts are read apart.
_MOST_FILLING = 1.25
# Where shapes must be few, rows read at least so many positions.
_LEAST_LENGTH = 64


@dataclass(frozen=True, slots=True)
class Lane:
    """A row as it is computed: its tokens, the position of the first, and how many logits are drawn from."""

    slot: int
    tokens: tuple[int, ...]
    start: int
    drawn_count: int

    @classmethod
    def of(cls, row: Row) -> Lane:
        """Lay out ``row``, whose sequence is in its slot."""
        sequence = row.sequence
        assert sequence.slot is not None, "only running sequences are computed"
        tokens = (*sequence.tokens[sequence.computed : sequence.computed + row.count], *row.draft)
        return cls(sequence.slot, tokens, sequence.position, 1 + len(row.draft) if row.writes else 0)

    @property
    def end(self) -> int:
        """The position behind the last token."""
        return self.start + len(self.tokens)

    @property
    def drawn(self) -> range:
        """Places of the tokens whose logits are drawn from."""
        return range(len(self.tokens) - self.drawn_count, len(self.tokens))


class SlotBatch:
    """Computes rows with ``step`` on ``cache``; see :class:`backends.serving.parts.Batch`.

    ``is_static``: shapes are few and their buffers stay, as graphs need it. Then rows are filled up to a
    power of two with copies of the first. ``replays`` run such steps from graphs; None: nothing does.
    ``coarseness`` tells how much of them little experts computed; None: nobody does.
    """

    def __init__(
        self,
        step: Step,
        cache: SlotCache,
        device: torch.device,
        *,
        is_static: bool,
        replays: Replays | None = None,
        coarseness: Coarseness | None = None,
    ) -> None:
        self._step = step
        self._cache = cache
        self._device = device
        self._is_static = is_static
        self._replays = replays
        self._coarseness = coarseness or Coarseness(None)
        self._buffers: dict[Shape, Inputs] = {}

    def compute(self, rows: list[Row]) -> Logits:
        """Compute ``rows`` in as few passes as pay."""
        lanes = [Lane.of(row) for row in rows]
        drawn: list[Logits | None] = [None] * len(lanes)
        with translated(f"compute {sum(len(lane.tokens) for lane in lanes)} tokens"):
            for places in rectangles([len(lane.tokens) for lane in lanes]):
                computed = self._compute([lanes[place] for place in places])
                for place, logits in zip(places, computed, strict=True):
                    drawn[place] = logits
                self._tell([rows[place] for place in places], [lanes[place] for place in places])
        found = [logits for logits in drawn if logits is not None and len(logits)]
        return np.concatenate(found) if found else np.empty((0, 0), np.float32)

    def _tell(self, rows: list[Row], lanes: list[Lane]) -> None:
        """Tell the sequences of ``rows``, computed in one pass as ``lanes``, how coarsely that was done."""
        row_count = _power_of_two(len(lanes)) if self._is_static else len(lanes)
        shares = self._coarseness.of_pass(row_count, max(len(lane.tokens) for lane in lanes))
        if shares is not None:
            for row, lane, of_lane in zip(rows, lanes, shares.tolist(), strict=False):
                self._coarseness.note(row.sequence, (of_lane[place] for place in lane.drawn))

    def _compute(self, lanes: list[Lane]) -> list[Logits]:
        """Logits of each of ``lanes``, (drawn_count, n_vocabulary), in one pass."""
        longest = max(len(lane.tokens) for lane in lanes)
        self._cache.reserve([lane.slot for lane in lanes], max(lane.end for lane in lanes))
        kept = sorted({place for lane in lanes for place in lane.drawn}) or [longest - 1]
        logits = self._logits(lanes, longest, kept)[: len(lanes)].float().cpu().numpy()
        chosen = [[kept.index(place) for place in lane.drawn] for lane in lanes]
        return [logits[row, places] for row, places in enumerate(chosen)]

    def _logits(self, lanes: list[Lane], longest: int, kept: list[int]) -> torch.Tensor:
        """Logits of the tokens at ``kept``: (at least as many rows as lanes, kept, n_vocabulary)."""
        end = max(lane.end for lane in lanes)
        if not self._is_static:
            inputs = Inputs.of(_lists(lanes, longest, kept), self._device)
            slots, starts = (tuple(getattr(lane, name) for lane in lanes) for name in ("slot", "start"))
            place: Place = Spans(slots, starts, tuple(len(lane.tokens) for lane in lanes), end)
            return self._step.forward(inputs, place)
        length = min(max(_power_of_two(end), _LEAST_LENGTH), self._cache.length)
        padded = lanes + lanes[:1] * (_power_of_two(len(lanes)) - len(lanes))
        lists = _lists(padded, longest, kept)
        if len(kept) < longest:  # a part of prompts, whose shapes are too many to be kept
            inputs = Inputs.of(lists, self._device)
            return self._step.forward(inputs, inputs.indexed(length))
        shape = Shape(len(padded), longest, length, len(kept))
        if shape not in self._buffers:
            self._buffers[shape] = Inputs.of(lists, self._device)
        self._buffers[shape].fill(lists)
        if self._replays is not None:
            return self._replays.logits(shape, self._buffers[shape])
        return self._step.forward(self._buffers[shape], self._buffers[shape].indexed(length))


def rectangles(lengths: list[int]) -> list[list[int]]:
    """Share out rows of ``lengths``, by their places, over passes that compute little in vain.

    Within a pass rows stand in the order in which they came.
    """
    order = sorted(range(len(lengths)), key=lambda place: -lengths[place])
    passes: list[list[int]] = []
    for place in order:
        together = [*passes[-1], place] if passes else []
        asked = sum(lengths[other] for other in together)
        if together and lengths[together[0]] * len(together) <= _MOST_FILLING * asked:
            passes[-1] = together
        else:
            passes.append([place])
    return [sorted(each) for each in passes]


def _lists(lanes: list[Lane], longest: int, kept: list[int]) -> tuple[list[Any], ...]:
    """The numbers of :class:`Inputs`, in its order."""
    ids = [_filled(lane.tokens, longest) for lane in lanes]
    positions = [_filled(tuple(range(lane.start, lane.end)), longest) for lane in lanes]
    return [ids, positions], [lane.slot for lane in lanes], kept


def _filled(numbers: tuple[int, ...], count: int) -> list[int]:
    return [*numbers, *numbers[-1:] * (count - len(numbers))]


def _power_of_two(number: int) -> int:
    return 1 << (number - 1).bit_length()
