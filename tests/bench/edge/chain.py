"""The text that the benchmark's model writes, known in advance: every token has one successor.

Two rings. The *copied* ring holds the ASCII letters and digits: an answer that enters it comes
round again after 62 tokens, and a prompt can hold pieces of it, so there is something to copy.
The *free* ring holds all other tokens: its text does not come round within 150,000 tokens. The end
token follows none, so no answer ends by itself.
"""

from __future__ import annotations

import string
from collections.abc import Iterator
from functools import cache
from itertools import islice

import numpy as np
import numpy.typing as npt

VOCABULARY_SIZE = 151_936
END = VOCABULARY_SIZE - 1
COPIED = tuple((string.ascii_letters + string.digits).encode())
# A prompt that ends with one of these is answered from the free ring.
FREE = tuple(sorted(set(string.punctuation) - set('[]"!\\{}')))
_BYTE_COUNT = 256


def piece(token: int) -> str:
    """Text that ``token`` writes; tokens below 256 are bytes, of which only ASCII ever shows."""
    return chr(token) if token < _BYTE_COUNT else f"[unused{token}]"


@cache
def successors(vocabulary_size: int = VOCABULARY_SIZE) -> npt.NDArray[np.int64]:
    """Successor of every token, int64, (vocabulary_size,): a permutation; the last one is its own."""
    chance = np.random.default_rng(1)
    free = [token for token in range(vocabulary_size - 1) if token not in COPIED]
    following = np.arange(vocabulary_size)
    for ring in (chance.permutation(COPIED), _without_early_bytes(chance.permutation(free))):
        following[ring] = np.roll(ring, -1)
    return following


def walk(token: int) -> Iterator[int]:
    """Yield what follows ``token``, without end."""
    following = successors()
    while True:
        token = int(following[token])
        yield token


def ring_text(length: int, start: int = 0) -> str:
    """Return ``length`` characters of the copied ring, from its place ``start`` on."""
    return "".join(map(piece, islice(walk(COPIED[0]), start, start + length)))


def answer(prompt: str, token_count: int) -> str:
    """Text of ``token_count`` tokens with which the model answers ``prompt``."""
    return "".join(map(piece, islice(walk(ord(prompt[-1])), token_count)))


def _without_early_bytes(ring: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Spread the bytes that a prompt can end with over the ring, the others at its end.

    Lone bytes above 127 are not UTF-8 and would come out differently from every server.
    """
    words = ring[ring >= _BYTE_COUNT]
    starts = np.array([ord(character) for character in FREE])
    others = ring[(ring < _BYTE_COUNT) & ~np.isin(ring, starts)]
    places = np.linspace(0, len(words), len(starts), endpoint=False).astype(int)
    return np.concatenate([np.insert(words, places, starts), others])
