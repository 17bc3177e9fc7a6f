"""Guesses what a smaller model of the same vocabulary would write, greedily."""

from __future__ import annotations

from collections import OrderedDict, abc

import llama_cpp

from backends.errors import Unavailable
from backends.llamacpp.engine.batch import Batch
from backends.llamacpp.engine.slots import Slots
from backends.llamacpp.native import Native
from backends.serving.parts import Aborted, Logits
from backends.serving.scheduler import Row
from backends.serving.sequence import Sequence, shared_length
from backends.serving.speculation.proposer import Outlook
from backends.serving.speculation.record import Record, stage

_GUESS_COUNT = 15
# Guesses of all answers that the rates rest on.
_MEMORY = 64
# Tokens that are read with the first guess: the last that was written, and one that was guessed right.
_LEFT_COUNT = 2
# Guesses cost what the small model takes even to learn how good they are. So after so many chances that
# were not taken a few are tried, and each time that this brings nothing the next pause is twice as long.
_LEAST_PAUSE, _MOST_PAUSE = 64, 4096
_TRIAL: Outlook = (0.9, 0.8, 0.7)


class DraftModel:
    """Guesses by a model of its own; see :class:`backends.serving.speculation.proposer.Proposer`.

    It reads an answer's text, without adapters, when that is guessed for the first time, and keeps
    of each what it has read: a ``Sequence`` of its own, which holds tokens that were only guessed, too.
    """

    def __init__(self, native: Native) -> None:
        """Take over ``native``, the small model."""
        self._native = native
        self._batch = Batch(native)
        self._slots = Slots(native)
        self._record = Record(_MEMORY)
        self._shadows: OrderedDict[int, Sequence] = OrderedDict()
        self._pause = self._chances = _LEAST_PAUSE

    def outlook(self, sequence: Sequence) -> Outlook:
        """As measured on the last guesses of all answers; empty behind the end of the small context."""
        if len(sequence.tokens) + _GUESS_COUNT > self._native.context_token_count:
            return ()
        self._chances += 1
        if self._chances > self._pause:
            return _TRIAL
        rates, whole = [], 1.0
        for place in range(1, _GUESS_COUNT + 1):
            whole *= self._record.rate(stage(place))
            rates.append(whole)
        return tuple(rates)

    def prepare(self, sequences: abc.Sequence[Sequence]) -> None:
        """Read what is new in the texts of ``sequences``, all but the last tokens."""
        for sequence in sequences:
            shadow = self._shadow(sequence)
            while shadow.pending > _LEFT_COUNT:
                count = min(shadow.pending - _LEFT_COUNT, self._native.batch_token_count)
                if self._compute([Row(shadow, count)]) is None:
                    return

    def propose(self, sequences: abc.Sequence[Sequence], count: int) -> list[tuple[int, ...]]:
        """Write ``count`` tokens of all, step by step."""
        self._pause = min(2 * self._pause, _MOST_PAUSE) if self._chances > self._pause else _LEAST_PAUSE
        self._chances = 0
        shadows = [self._shadows[sequence.work.id] for sequence in sequences]
        by_slot = sorted(shadows, key=lambda shadow: shadow.slot or 0)
        for _ in range(count):
            self._write(by_slot)
        return [tuple(shadow.tokens[-count:]) for shadow in shadows]

    def learn(self, guess_count: int, right_count: int) -> None:
        """Count the right ones, and the first wrong one; those behind it were never in question."""
        for place in range(1, min(right_count + 1, guess_count) + 1):
            self._record.note(stage(place), right=place <= right_count)

    def forget(self, sequence: Sequence) -> None:
        """Free the slot."""
        shadow = self._shadows.pop(sequence.work.id, None)
        if shadow is not None:
            self._slots.clear(shadow)

    def close(self) -> None:
        """Free the model."""
        self._native.free()

    def _shadow(self, sequence: Sequence) -> Sequence:
        """The shadow of ``sequence``, brought to its text; what was guessed wrong is taken back."""
        shadow = self._shadows.get(sequence.work.id)
        if shadow is None:
            shadow = self._shadows[sequence.work.id] = Sequence(sequence.work, 0)
            shadow.slot = self._free_slot()
        self._shadows.move_to_end(sequence.work.id)
        shared = shared_length(shadow.tokens, sequence.tokens)
        shadow.tokens = sequence.tokens.copy()
        # The last token is always computed anew: the first guess is drawn from its logits.
        if shadow.computed > (right := min(shared, len(sequence.tokens) - 1)):
            shadow.computed = right
            self._slots.truncate(shadow)
        return shadow

    def _free_slot(self) -> int:
        """A slot that nobody has; whoever was guessed longest ago makes room, such as one that waits."""
        taken = {shadow.slot for shadow in self._shadows.values()}
        free = next((slot for slot in range(self._native.sequence_count) if slot not in taken), None)
        if free is not None:
            return free
        _, oldest = self._shadows.popitem(last=False)
        slot = oldest.slot
        assert slot is not None, "shadows have slots"
        self._slots.clear(oldest)
        return slot

    def _write(self, shadows: list[Sequence]) -> None:
        """Write a token of each; the last one again where it cannot be computed."""
        is_read = all(shadow.pending <= _LEFT_COUNT for shadow in shadows)
        logits = self._compute([Row(shadow, shadow.pending) for shadow in shadows]) if is_read else None
        for place, shadow in enumerate(shadows):
            shadow.tokens.append(shadow.tokens[-1] if logits is None else int(logits[place].argmax()))

    def _compute(self, rows: list[Row]) -> Logits | None:
        """Compute ``rows``; where that fails, None, and nothing of their answers counts as read."""
        try:
            logits = self._batch.compute(rows)
        except (Aborted, Unavailable):
            for row in rows:
                row.sequence.computed = 0
                self._slots.truncate(row.sequence)
            return None
        for row in rows:
            row.sequence.computed += row.count
        return logits


def check_vocabulary(model: Native, draft: Native) -> None:
    """Raise Unavailable where the tokens of ``draft`` are not those of ``model``. Takes 0.2 s for 150,000."""
    if model.vocabulary_size != draft.vocabulary_size:
        raise Unavailable(
            f"the draft model has {draft.vocabulary_size} tokens and the model {model.vocabulary_size}; "
            "take one of the same family"
        )
    for token in range(model.vocabulary_size):
        mine, its = (llama_cpp.llama_vocab_get_text(native.vocabulary, token) for native in (model, draft))
        if mine != its:
            raise Unavailable(
                f"token {token} of the draft model is not the model's; take one of the same family"
            )
