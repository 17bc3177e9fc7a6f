"""Text to tokens and back, as a GGUF file's own vocabulary and chat template say.

Everything here only reads the vocabulary, which llama.cpp never changes after loading: it is
safe on any thread, also while another one decodes.
"""

from __future__ import annotations

import ctypes
from typing import Any

import jinja2
import llama_cpp
from llama_cpp.llama_chat_format import Jinja2ChatFormatter

from backends.errors import Refused
from backends.llamacpp.native import Native
from backends.plain_chat import plain_chat
from backends.types import Prompt

# Longer pieces exist only as special tokens; they get a buffer of their own length.
_PIECE_BYTE_COUNT = 128


class Vocabulary:
    """The vocabulary and chat template of a loaded model."""

    def __init__(self, native: Native) -> None:
        self._vocabulary = native.vocabulary
        template = llama_cpp.llama_model_chat_template(native.model, None)
        self._formatter = None if template is None else self._formatter_of(template.decode())

    def encode(self, prompt: Prompt) -> list[int]:
        """Token ids of the rendered prompt.

        A chat template brings its own special tokens; without one the vocabulary's beginning and
        end rules hold. Raises Refused where the template does not allow the conversation.
        """
        if self._formatter is None:
            return self._tokenize(plain_chat(prompt).encode(), add_special=True)
        messages = [{"role": str(m.role), "content": m.content} for m in prompt.messages]
        try:
            text: str = self._formatter(messages=messages).prompt
        except (ValueError, jinja2.TemplateError) as exc:
            raise Refused(
                "the model's chat template does not allow this order of roles: "
                f"{', '.join(m.role for m in prompt.messages)}"
            ) from exc
        return self._tokenize(text.encode(), add_special=False)

    def piece(self, token: int) -> bytes:
        """Bytes that ``token`` writes, perhaps a part of a character; none for control tokens."""
        buffer = ctypes.create_string_buffer(_PIECE_BYTE_COUNT)
        length = llama_cpp.llama_token_to_piece(self._vocabulary, token, buffer, len(buffer), 0, False)
        if length < 0:
            buffer = ctypes.create_string_buffer(-length)
            length = llama_cpp.llama_token_to_piece(self._vocabulary, token, buffer, len(buffer), 0, False)
        return buffer.raw[:length]

    def ends(self, token: int) -> bool:
        """Whether ``token`` ends the answer."""
        return bool(llama_cpp.llama_vocab_is_eog(self._vocabulary, token))

    def _tokenize(self, text: bytes, *, add_special: bool) -> list[int]:
        # Every token but a few special ones covers a byte or more.
        size = len(text) + 8
        tokens = (llama_cpp.llama_token * size)()
        count = llama_cpp.llama_tokenize(self._vocabulary, text, len(text), tokens, size, add_special, True)
        return list(tokens[:count])

    def _formatter_of(self, template: str) -> Any:
        return Jinja2ChatFormatter(
            template=template,
            eos_token=self._special(llama_cpp.llama_vocab_eos(self._vocabulary)),
            bos_token=self._special(llama_cpp.llama_vocab_bos(self._vocabulary)),
        )

    def _special(self, token: int) -> str:
        return "" if token < 0 else str(llama_cpp.llama_vocab_get_text(self._vocabulary, token).decode())
