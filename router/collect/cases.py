"""A prompt to be collected on, and all that its answers may be graded by."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from backends.types import Prompt
from router.outcomes.write import as_line, form_document, prompt_document


@dataclass(frozen=True, slots=True)
class Case:
    """One prompt. ``references`` are right answers, alternatives of each other: text, or JSON values.

    ``pattern`` is for the answer as a grader reads it, not a form that was asked for. ``id``, ``task``
    and ``group`` are those of the record that it becomes; ``place`` says where it was read.
    """

    id: str
    prompt: Prompt
    references: tuple[Any, ...] = ()
    pattern: str | None = None
    task: str | None = None
    group: str | None = None
    place: str = ""

    @property
    def key(self) -> str:
        """Name what was asked, whatever it is called: equal for equal prompts in equal form."""
        return prompt_key(self.prompt)


def prompt_key(prompt: Prompt) -> str:
    """24 hexadecimal digits that name a conversation and the form asked for."""
    asked = {"prompt": prompt_document(prompt), "form": form_document(prompt)}
    return sha256(as_line(asked).encode("utf-8", "replace")).hexdigest()[:24]
