"""Draws the next token of an answer from logits and says all that is known of it.

Where the answer has a form, both the draw and what is said of it are over the tokens that the form allows
there. So a token that was forced is certain, whatever the model would rather have written, and the
log-probabilities of an answer add up to that with which it was written (at temperature 1). Over all
tokens they would tell how much the model likes the form, and every bracket of a schema that is not the
model's habit would count as a doubt about the answer.
"""

from __future__ import annotations

import codecs
from typing import Any

import numpy as np
import numpy.typing as npt

from backends.llamacpp.engine.pieces import Pieces
from backends.llamacpp.native import Native
from backends.serving.sequence import Sequence
from backends.serving.work import Wrote
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
        sequence.characters = codecs.getincrementaldecoder("utf-8")("replace")
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
        if sequence.constraint is not None:
            logits = sequence.constraint.masked(logits)
        token = sequence.sampler.draw(logits)
        piece = self._pieces.of(token)
        text = "" if piece is None else sequence.characters.decode(piece)
        statistics = token_logprob(text, logits, token)
        if sequence.work.sampling.top_logprob_count:
            count = sequence.work.sampling.top_logprob_count
            statistics = with_top(statistics, logits, token, count, self._pieces.text)
        _accept(sequence, token)
        sequence.tokens.append(token)
        return Wrote(sequence.work.id, token, statistics, ends=piece is None)


def _accept(sequence: Sequence, token: int) -> None:
    sequence.sampler.accept(token)
    if sequence.constraint is not None:
        sequence.constraint.accept(token)
