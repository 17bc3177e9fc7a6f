"""The account of one answer while an engine writes it: what to pass on, what was used, when it ends.

Decides the end by the model's own end, a stop string or the token limit. Knows no engine.
"""

from __future__ import annotations

from backends.answer_text import AnswerText
from backends.engine import Token
from backends.types import Delta, FinishReason, Usage


class Transcript:
    """Turns tokens into deltas until the answer is complete.

    Every token is counted and reported with its statistics, also those that end the answer: how
    sure the model was of ending it is as telling as the rest.
    """

    def __init__(self, text: AnswerText, *, input_token_count: int, output_limit: int) -> None:
        self.finish_reason: FinishReason | None = None
        self._text = text
        self._input_token_count = input_token_count
        self._output_limit = output_limit
        self._begun = False
        self._output_token_count = 0

    @property
    def usage(self) -> Usage:
        """Tokens so far; nothing until the engine has begun. Any thread may ask."""
        return Usage(self._input_token_count if self._begun else 0, self._output_token_count)

    @property
    def stop_sequence(self) -> str | None:
        """The stop string that ended the answer; None: none did."""
        return self._text.stop_string

    def begin(self) -> None:
        """Note that the engine starts to read the prompt."""
        self._begun = True

    def add(self, token: Token) -> Delta:
        """Take the next token; after it ``finish_reason`` says whether the answer is complete."""
        self._output_token_count += 1
        piece = self._text.feed(token.logprob.text)
        if token.ends or self._text.stopped:
            self.finish_reason = FinishReason.STOP
        elif self._output_token_count >= self._output_limit:
            self.finish_reason = FinishReason.LENGTH
        if self.finish_reason is not None:
            piece += self._text.finish()
        return Delta(piece.text, piece.reasoning, (token.logprob,))
