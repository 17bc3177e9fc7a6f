"""Text to tokens and back, as a checkpoint's own tokenizer and chat template say."""

from __future__ import annotations

from typing import Any

import jinja2
from tokenizers.decoders import DecodeStream

from backends.errors import Refused
from backends.plain_chat import plain_chat
from backends.types import Prompt


class Words:
    """A transformers tokenizer of the fast kind, never changed once loaded: safe on any thread."""

    def __init__(self, tokenizer: Any, ending_tokens: frozenset[int]) -> None:
        self._tokenizer = tokenizer
        self._backend = tokenizer.backend_tokenizer
        self._ending_tokens = ending_tokens

    def encode(self, prompt: Prompt) -> list[int]:
        """Token ids of the rendered prompt; raises Refused where its chat template does not allow it.

        A chat template brings its own special tokens; without one the tokenizer adds them.
        """
        if self._tokenizer.chat_template is None:
            return list(self._backend.encode(plain_chat(prompt)).ids)
        messages = [{"role": str(m.role), "content": m.content} for m in prompt.messages]
        try:
            text = self._tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        except (ValueError, jinja2.TemplateError) as exc:
            raise Refused(
                "the model's chat template does not allow this order of roles: "
                f"{', '.join(m.role for m in prompt.messages)}"
            ) from exc
        return list(self._backend.encode(text, add_special_tokens=False).ids)

    def ends(self, token: int) -> bool:
        """Whether ``token`` ends the answer."""
        return token in self._ending_tokens

    def text_of(self, token: int) -> str:
        """Return the text of ``token`` by itself, special tokens in their own spelling."""
        return str(self._backend.decode([token], skip_special_tokens=False))

    def decoder(self) -> Decoder:
        """Start the text of one answer."""
        return Decoder(self._backend)


class Decoder:
    """Writes the text of one answer, a token at a time, in a window of a few tokens."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._stream = DecodeStream(skip_special_tokens=True)

    def step(self, token: int) -> str:
        """Return what ``token`` adds; nothing while a character is incomplete."""
        return self._stream.step(self._tokenizer, token) or ""
