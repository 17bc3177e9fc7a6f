"""Bytes near other bytes: what a fuzzer without an eye for coverage tries."""

from __future__ import annotations

import random
from collections.abc import Sequence

_EDGES = (0, 1, 0x7F, 0x80, 0xFF, 0xFFFF, *(2**size - 1 for size in (31, 32, 63, 64)))
_TEXTS = (
    b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\x00", b"\r", b"\r\n",
    b"1e400", b"-Infinity", b"NaN", b"9" * 5000, b"-0", b'"\\ud800"', b"[" * 2000, b'{"a":' * 500,
    b"true", b"null", b"{}", b"[]", b'""', b"\xe2\x80\xa8",
)  # fmt: skip
_MAX_BYTE_COUNT = 1 << 16


def mutated(draw: random.Random, seeds: Sequence[bytes], words: Sequence[bytes] = ()) -> bytes:
    """One of ``seeds``, changed in a few places; ``words`` are put in now and then."""
    data = bytearray(draw.choice(seeds))
    for _ in range(draw.choice((1, 1, 2, 3, 8))):
        _change(draw, data, seeds, words)
    return bytes(data[:_MAX_BYTE_COUNT])


def _change(draw: random.Random, data: bytearray, seeds: Sequence[bytes], words: Sequence[bytes]) -> None:
    place = draw.randint(0, len(data))
    end = min(len(data), place + draw.choice((1, 1, 2, 4, 16, 256)))
    match draw.randrange(7):
        case 0:
            data[place:end] = draw.randbytes(draw.choice((0, 1, 4)))
        case 1 if place < len(data):
            data[place] ^= 1 << draw.randrange(8)
        case 2:
            edge = draw.choice(_EDGES)
            data[place : place + 8] = edge.to_bytes(8, draw.choice(("little", "big")))
        case 3:
            data[place:end] = draw.choice((*words, *_TEXTS))
        case 4:
            data[place:place] = data[place:end] * draw.choice((1, 2, 50))
        case 5:
            other = draw.choice(seeds)
            start = draw.randint(0, len(other))
            data[place:end] = other[start : start + draw.choice((4, 64, 1024))]
        case _:
            del data[place:end]
