"""What probes have in common that read one token: Yes or No to an answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from backends.types import Prompt, Usage
from policies.probes.verdict import FIXED_TOKEN_COUNT, read_verdict, verdict_prompt
from policies.signals.base import Answer


class OneToken:
    """Quotes question and answer, and reads the probability of Yes; who is asked is the subclass's."""

    name: ClassVar[str]
    needs_logprobs: ClassVar[bool] = True

    def usage(self, input_token_count: int, output_token_count: float) -> Usage:
        """Read question and answer once, write one token."""
        return Usage(FIXED_TOKEN_COUNT + input_token_count + round(output_token_count), 1)

    def prompts(self, answer: Answer) -> tuple[Prompt, ...]:
        """One question; none about an empty answer."""
        return (verdict_prompt(answer),) if answer.text.strip() else ()

    def measure(self, answer: Answer, replies: Sequence[Answer]) -> Mapping[str, float]:
        """Read the first token of the reply."""
        del answer  # the reply was about it
        return read_verdict(replies[0], self.name) if replies else {}
