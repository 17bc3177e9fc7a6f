"""Draws the next token of an answer from logits and says all that is known of it."""

from __future__ import annotations

from dataclasses import replace

from backends.moe.serving.coarseness import Coarseness
from backends.moe.words import Words
from backends.serving.parts import Logits
from backends.serving.sequence import Sequence
from backends.serving.work import Wrote
from backends.token_statistics import token_logprob, with_top


class WordWriter:
    """Writes tokens of ``words``; see :class:`backends.serving.parts.Writer`."""

    def __init__(self, words: Words) -> None:
        self._words = words

    def begin(self, sequence: Sequence) -> None:
        """Make ``sequence`` ready for its next token: behind those of its answer that are known already."""
        sequence.characters = self._words.decoder()
        for token in sequence.work.written:
            sequence.characters.step(token)
            sequence.sampler.accept(token)

    def write(self, sequence: Sequence, logits: Logits) -> Wrote:
        """Add the token that follows by ``logits`` (float32, (n_vocabulary,)) to ``sequence``.

        Raises Unavailable where they hold no probabilities.
        """
        token = sequence.sampler.draw(logits)
        ends = self._words.ends(token)
        text = "" if ends else sequence.characters.step(token)
        statistics = token_logprob(text, logits, token)
        if count := sequence.work.sampling.top_logprob_count:
            statistics = with_top(statistics, logits, token, count, self._words.text_of)
        if (mass := Coarseness.next(sequence)) is not None:
            statistics = replace(statistics, little_mass=mass)
        sequence.sampler.accept(token)
        sequence.tokens.append(token)
        return Wrote(sequence.work.id, token, statistics, ends)
