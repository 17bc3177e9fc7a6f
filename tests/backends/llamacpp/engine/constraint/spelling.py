"""Small ways to write within a form without a model: by chance, or a given text."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import llama_cpp
import numpy as np

from backends.errors import Unavailable
from backends.llamacpp.engine.constraint import Constraint, Constraints
from backends.llamacpp.engine.constraint.token_table import _bytes_of
from backends.llamacpp.native import open_vocabulary
from backends.types import ResponseFormat


class Speller:
    """Writes within forms in the tokens of one vocabulary, which has a token for every byte."""

    def __init__(self, vocabulary: object, size: int) -> None:
        self._constraints = Constraints(vocabulary, size)
        self._pieces = [_bytes_of(vocabulary, token) for token in range(size)]
        self._tokens = {piece: token for token, piece in enumerate(self._pieces)}
        self._longest = max(map(len, self._pieces))
        self._zeros = np.zeros(size, np.float32)
        self._end = next(t for t in range(size) if llama_cpp.llama_vocab_is_eog(vocabulary, t))

    def start(self, form: ResponseFormat) -> Constraint:
        """Begin an answer; raises Refused where that cannot be."""
        return self._constraints.start(form)

    def takes(self, form: ResponseFormat, text: str) -> bool:
        """Whether ``text``, as a whole, is an answer of ``form``."""
        with closing(self.start(form)) as constraint:
            return self._follows(constraint, text) and self._end in self._allowed(constraint)

    def begins(self, form: ResponseFormat, text: str) -> bool:
        """Whether ``text`` may be the beginning of an answer of ``form``."""
        with closing(self.start(form)) as constraint:
            return self._follows(constraint, text)

    def wander(self, form: ResponseFormat, seed: int, limit: int = 400) -> str | None:
        """Write by chance, any token as probable as another; None where it has not come to an end."""
        chance = np.random.default_rng(seed)
        written = b""
        with closing(self.start(form)) as constraint:
            for _ in range(limit):
                logits = chance.random(len(self._pieces), dtype=np.float32)
                logits[self._end] += 0.9  # not to write for ever where it may end
                token = int(constraint.masked(logits).argmax())
                if token == self._end:
                    return written.decode()
                constraint.accept(token)
                written += self._pieces[token]
        return None

    def _follows(self, constraint: Constraint, text: str) -> bool:
        """Write ``text``, each time by the longest token that may come.

        Where one text alone can follow, only the tokens are allowed that a model would write it in.
        """
        left = text.encode()
        while left:
            allowed = self._allowed(constraint)
            lengths = range(min(len(left), self._longest), 0, -1)
            token = next((t for n in lengths if (t := self._tokens.get(left[:n])) in allowed), None)
            if token is None:
                return False
            constraint.accept(token)
            left = left[len(self._pieces[token]) :]
        return True

    def _allowed(self, constraint: Constraint) -> frozenset[int]:
        try:
            return frozenset(np.flatnonzero(np.isfinite(constraint.masked(self._zeros))).tolist())
        except Unavailable:  # no token of this vocabulary can follow
            return frozenset()


@contextmanager
def speller(path: Path) -> Iterator[Speller]:
    """A speller in the vocabulary of the model at ``path``."""
    model = open_vocabulary(path)
    vocabulary = llama_cpp.llama_model_get_vocab(model)
    yield Speller(vocabulary, llama_cpp.llama_vocab_n_tokens(vocabulary))
    llama_cpp.llama_model_free(model)


def words(alphabet: str, count: int, longest: int, seed: int = 0) -> list[str]:
    """Random texts over ``alphabet``, and the empty one."""
    chance = random.Random(seed)
    return ["", *("".join(chance.choices(alphabet, k=chance.randint(1, longest))) for _ in range(count))]
