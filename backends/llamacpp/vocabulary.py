"""Text to tokens, as a GGUF file's own vocabulary and chat template say.

Only the vocabulary is loaded, not the weights. llama.cpp never changes it after loading, so any thread
may ask, also several at once.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import jinja2
import llama_cpp
from llama_cpp.llama_chat_format import Jinja2ChatFormatter

from backends.errors import Refused, Unavailable
from backends.llamacpp.native import open_vocabulary
from backends.plain_chat import plain_chat
from backends.types import Prompt


class Vocabulary:
    """The vocabulary and chat template of a model. Close it when nobody asks any more."""

    def __init__(self, model: Any) -> None:
        """Take over ``model``, a llama.cpp model with or without weights."""
        self._model = model
        self._vocabulary = llama_cpp.llama_model_get_vocab(model)
        template = llama_cpp.llama_model_chat_template(model, None)
        self._formatter = None if template is None else self._formatter_of(template)

    @classmethod
    def open(cls, path: Path) -> Self:
        """Read the vocabulary of ``path``; raises Unavailable where it or its template is broken."""
        model = open_vocabulary(path)
        try:
            return cls(model)
        except (ValueError, jinja2.TemplateError) as exc:
            llama_cpp.llama_model_free(model)
            raise Unavailable(
                f"the chat template in {path} cannot be read ({type(exc).__name__}); get the file again, or "
                "convert the model anew"
            ) from exc

    def close(self) -> None:
        """Free it. Call it once."""
        llama_cpp.llama_model_free(self._model)

    def encode(self, prompt: Prompt) -> list[int]:
        """Token ids of the rendered prompt.

        A chat template brings its own special tokens; without one the vocabulary's beginning and
        end rules hold. Raises Refused where the template does not allow the conversation.
        """
        if self._formatter is None:
            return self.encode_text(plain_chat(prompt))
        messages = [{"role": str(m.role), "content": m.content} for m in prompt.messages]
        try:
            text: str = self._formatter(messages=messages).prompt
        except (ValueError, TypeError, ArithmeticError, jinja2.TemplateError) as exc:
            raise Refused(
                "the model's chat template does not allow this order of roles: "
                f"{', '.join(m.role for m in prompt.messages)}"
            ) from exc
        return self._tokenize(text, templated=True)

    def encode_text(self, text: str) -> list[int]:
        """Token ids of a text that is no conversation, with the vocabulary's own beginning and end."""
        return self._tokenize(text, templated=False)

    def _tokenize(self, text: str, *, templated: bool) -> list[int]:
        """Only a template writes special tokens as text; elsewhere what looks like one is just text."""
        data = text.encode(errors="replace")
        # Every token but a few special ones covers a byte or more; where a vocabulary is odd, the first
        # call says how many there are.
        size = len(data) + 8
        for _ in range(2):
            tokens = (llama_cpp.llama_token * size)()
            count = llama_cpp.llama_tokenize(
                self._vocabulary, data, len(data), tokens, size, not templated, templated
            )
            if count >= 0:
                return list(tokens[:count])
            size = -count
        raise Refused(f"the model's vocabulary makes too many tokens of {len(data)} bytes")

    def _formatter_of(self, template: bytes) -> Any:
        return Jinja2ChatFormatter(
            template=template.decode(),
            eos_token=self._special(llama_cpp.llama_vocab_eos(self._vocabulary)),
            bos_token=self._special(llama_cpp.llama_vocab_bos(self._vocabulary)),
        )

    def _special(self, token: int) -> str:
        return "" if token < 0 else str(llama_cpp.llama_vocab_get_text(self._vocabulary, token).decode())
