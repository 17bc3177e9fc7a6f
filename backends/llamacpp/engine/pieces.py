"""What tokens write, and which of them end an answer."""

from __future__ import annotations

import ctypes

import llama_cpp

from backends.llamacpp.native import Native

# Longer pieces exist only as special tokens; they get a buffer of their own length.
_PIECE_BYTE_COUNT = 128


class Pieces:
    """A table of a vocabulary's bytes, filled as tokens come up; 1 us a token that has come up."""

    def __init__(self, native: Native) -> None:
        self._vocabulary = native.vocabulary
        self._known: dict[int, bytes | None] = {}

    def of(self, token: int) -> bytes | None:
        """Bytes that ``token`` writes, perhaps a part of a character; None for one that ends the answer."""
        try:
            return self._known[token]
        except KeyError:
            piece = self._known[token] = self._look_up(token)
            return piece

    def text(self, token: int) -> str:
        """What ``token`` writes by itself; parts of characters are replaced."""
        return (self.of(token) or b"").decode(errors="replace")

    def _look_up(self, token: int) -> bytes | None:
        if llama_cpp.llama_vocab_is_eog(self._vocabulary, token):
            return None
        buffer = ctypes.create_string_buffer(_PIECE_BYTE_COUNT)
        length = llama_cpp.llama_token_to_piece(self._vocabulary, token, buffer, len(buffer), 0, False)
        if length < 0:
            buffer = ctypes.create_string_buffer(-length)
            length = llama_cpp.llama_token_to_piece(self._vocabulary, token, buffer, len(buffer), 0, False)
        return buffer.raw[:length]
