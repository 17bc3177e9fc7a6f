"""The account of one answer while its chunks come in: what to pass on, what was used, when it ends."""

from __future__ import annotations

from backends.answer_text import AnswerText
from backends.errors import Refused, Unavailable
from backends.openai_wire import Choice, Chunk, finish_reason_of
from backends.reasoning import Piece
from backends.types import Delta, FinishReason, Usage

_CHARACTERS_PER_TOKEN = 4


def estimated_token_count(character_count: int) -> int:
    """Tokens of a text by the usual rule of thumb for English, rounded up."""
    return -(-character_count // _CHARACTERS_PER_TOKEN)


class ChatAnswer:
    """Turns chunks into deltas until the answer is complete.

    ``usage`` is the server's where it says so. Until then the output is estimated: servers send
    a chunk a token or put several into one, so it is the larger of chunks and estimated tokens.
    """

    def __init__(self, text: AnswerText, *, estimated_input_token_count: int) -> None:
        self.finish_reason: FinishReason | None = None
        self._text = text
        self._input_token_count = estimated_input_token_count
        self._begun = False
        self._chunk_count = 0
        self._character_count = 0
        self._reported: Usage | None = None

    @property
    def cut(self) -> bool:
        """Whether a stop string ended the answer before the server did."""
        return self._text.stopped

    @property
    def usage(self) -> Usage:
        """Tokens so far; none until the server has accepted the request."""
        if self._reported is not None:
            return self._reported
        output = max(self._chunk_count, estimated_token_count(self._character_count))
        return Usage(self._input_token_count, output) if self._begun else Usage()

    def begin(self) -> None:
        """Note that the server has accepted the request."""
        self._begun = True

    def add(self, chunk: Chunk) -> Delta:
        """Take the next chunk; raises Refused or Unavailable where the server gives up."""
        if chunk.error is not None:
            raise Unavailable(f"the server failed after its answer had begun (code {chunk.error.code})")
        if chunk.usage is not None:
            self._reported = chunk.usage.usage()
        if not chunk.choices:
            return Delta()
        choice = chunk.choices[0]
        piece = self._piece(choice)
        if choice.finish_reason == "content_filter":
            raise Refused("the server's content filter stopped the answer")
        if choice.finish_reason or self.cut:
            self.finish_reason = (
                FinishReason.STOP if self.cut else finish_reason_of(choice.finish_reason or "")
            )
            piece += self._text.finish()
        return Delta(piece.text, piece.reasoning, choice.logprobs.tokens() if choice.logprobs else ())

    def end(self) -> Delta:
        """Take the server's word that nothing more comes, also where it gave no reason."""
        if self.finish_reason is not None:
            return Delta()
        self.finish_reason = FinishReason.STOP
        piece = self._text.finish()
        return Delta(piece.text, piece.reasoning)

    def _piece(self, choice: Choice) -> Piece:
        content = choice.delta.content or ""
        reasoning = choice.delta.reasoning_content or choice.delta.reasoning or ""
        self._chunk_count += bool(content or reasoning)
        self._character_count += len(content) + len(reasoning)
        return Piece(reasoning=reasoning) + self._text.feed(content)
