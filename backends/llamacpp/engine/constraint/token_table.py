"""A vocabulary as llguidance wants it: the bytes of every token, and which ones end an answer."""

from __future__ import annotations

import ctypes
from typing import Any

import llama_cpp
import numpy as np
from llguidance import LLTokenizer

# Longer pieces exist only as special tokens, which no form contains.
_PIECE_BYTE_COUNT = 1024
# llguidance's mark of a token that is not text.
_SPECIAL = b"\xff"
_MARKS = llama_cpp.LLAMA_TOKEN_ATTR_CONTROL | llama_cpp.LLAMA_TOKEN_ATTR_UNKNOWN


class TokenTable:
    """Made once a vocabulary; takes 0.8 s for 150,000 tokens.

    ``ends`` are the tokens that end an answer; ``mask`` is room for a bit for every token, which those who
    take turns on one thread may share.
    """

    def __init__(self, vocabulary: Any, size: int) -> None:
        self.ends = frozenset(
            token for token in range(size) if llama_cpp.llama_vocab_is_eog(vocabulary, token)
        )
        tokens = [_bytes_of(vocabulary, token) for token in range(size)]
        # llguidance needs an end; a token beyond the vocabulary is one that the model never writes.
        ends = sorted(self.ends) or [size]
        tokens += [_SPECIAL + b"end"] * (ends[-1] + 1 - len(tokens))
        self.mask = np.zeros((len(tokens) + 31) // 32, np.int32)
        self.tokenizer = LLTokenizer.from_llamacpp(
            tokens=tokens,
            vocab_ptr=vocabulary,
            tokenize_fptr=ctypes.cast(llama_cpp.llama_tokenize, ctypes.c_void_p).value,
            eos_token=ends,
            slices=None,
        )


def _bytes_of(vocabulary: Any, token: int) -> bytes:
    """What ``token`` writes; marks of the chat's format are no text, whatever their kind."""
    buffer = ctypes.create_string_buffer(_PIECE_BYTE_COUNT)
    length = llama_cpp.llama_token_to_piece(vocabulary, token, buffer, len(buffer), 0, True)
    if length < 0:
        return _SPECIAL
    piece = buffer.raw[:length]
    attributes = llama_cpp.llama_vocab_get_attr(vocabulary, token)
    is_mark = bool(attributes & _MARKS) or (
        bool(attributes & llama_cpp.LLAMA_TOKEN_ATTR_USER_DEFINED)
        and piece.startswith(b"<")
        and piece.endswith(b">")
    )
    return _SPECIAL + piece if is_mark else piece
