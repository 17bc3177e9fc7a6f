"""Draws the next token of an answer from logits and says all that is known of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from backends.llamacpp.engine.pieces import Pieces
from backends.llamacpp.engine.sequence import Sequence
from backends.llamacpp.native import Native
from backends.llamacpp.work import Wrote
from backends.token_statistics import token_logprob, with_top

Logits = npt.NDArray[np.float32]


class Writer:
    """Writes tokens into sequences."""

    def __init__(self, native: Native) -> None:
        self._native = native
        self._pieces = Pieces(native)
        self._constraints: Any = None

    def begin(self, sequence: Sequence) -> None:
        """Make ``sequence`` ready for its next token: behind those of its answer that are known already.

        Raises Refused where its form cannot be expressed.
        """
        form = sequence.work.response_format
        if form is not None:
            sequence.constraint = self._forms().start(form)
        for token in sequence.work.written:
            sequence.characters.decode(self._pieces.of(token) or b"")
            _accept(sequence, token)

    def _forms(self) -> Any:
        if self._constraints is None:
            # A library of its own, which only answers of a given form need.
            from backends.llamacpp.engine.constraint import Constraints

            self._constraints = Constraints(self._native.vocabulary, self._native.vocabulary_size)
        return self._constraints

    def write(self, sequence: Sequence, logits: Logits) -> Wrote:
        """Add the token that follows by ``logits`` (float32, (n_vocabulary,)) to ``sequence``.

        Raises Unavailable where the logits or the constraint leave nothing to be drawn, and Refused where
        the constraint cannot be followed any further.
        """
        token = _draw(sequence, logits)
        piece = self._pieces.of(token)
        text = "" if piece is None else sequence.characters.decode(piece)
        statistics = token_logprob(text, logits, token)
        if sequence.work.sampling.top_logprob_count:
            count = sequence.work.sampling.top_logprob_count
            statistics = with_top(statistics, logits, token, count, self._pieces.text)
        _accept(sequence, token)
        sequence.tokens.append(token)
        return Wrote(sequence.work.id, token, statistics, ends=piece is None)


def _draw(sequence: Sequence, logits: Logits) -> int:
    """Draw freely, and again among what the constraint allows where it does not allow that.

    The distribution is the same as if only allowed tokens had been drawn from, and most draws ask
    the constraint about one token instead of 150,000.
    """
    token = sequence.sampler.draw(logits)
    constraint = sequence.constraint
    if constraint is None or constraint.allows(token):
        return token
    return sequence.sampler.draw(constraint.masked(logits), trial=1)


def _accept(sequence: Sequence, token: int) -> None:
    sequence.sampler.accept(token)
    if sequence.constraint is not None:
        sequence.constraint.accept(token)
