"""The account of one answer while its events come in: what to pass on, what was used, when it ends.

Decides what a server's silence means: what it does not count is estimated. Knows no API; one subclass
for each reads its events.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from backends.answer_text import AnswerText
from backends.errors import BackendError
from backends.reasoning import Piece
from backends.tool_call_pieces import ToolCallPieces
from backends.tools import ToolCall
from backends.types import Delta, FinishReason, TokenLogprob, Usage

_CHARACTERS_PER_TOKEN = 4


def estimated_token_count(character_count: int) -> int:
    """Tokens of a text by the usual rule of thumb for English, rounded up."""
    return -(-character_count // _CHARACTERS_PER_TOKEN)


class StreamedAnswer(ABC):
    """Turns events into deltas until the answer is complete.

    ``is_over``: the server has said that nothing more comes. ``refusal``: why there is no answer, where
    the server or its model declines; None: it does not. ``takes_calls``: tools were given to it; calls of
    others are skipped, as all that was not asked for.

    ``usage`` is the server's where it says so. Until then the output is estimated: servers send
    an event a token or put several into one, so it is the larger of events and estimated tokens.
    """

    def __init__(
        self,
        text: AnswerText,
        *,
        estimated_input_token_count: int,
        top_logprob_count: int = 0,
        takes_calls: bool = False,
    ) -> None:
        self.finish_reason: FinishReason | None = None
        self.refusal: str | None = None
        self.is_over = False
        self._text = text
        self._top_logprob_count = top_logprob_count
        self._takes_calls = takes_calls
        self._calls = ToolCallPieces()
        self._input = Usage(estimated_input_token_count)
        self._told_stop_sequence: str | None = None
        self._begun = False
        self._piece_count = 0
        self._character_count = 0
        self._reported: Usage | None = None

    @abstractmethod
    def add(self, event: str) -> Delta:
        """Take the data of the next event.

        Raises pydantic.ValidationError where it is not of the API's form, and BackendError where it says
        that the server gives up.
        """

    @property
    def cut(self) -> bool:
        """Whether a stop string ended the answer before the server did."""
        return self._text.stopped

    @property
    def stop_sequence(self) -> str | None:
        """The stop string that ended the answer; None: none did, or the server does not tell."""
        return self._text.stop_string or self._told_stop_sequence

    @property
    def has_spoken(self) -> bool:
        """Whether anything of the answer has come, be it a piece of a call that is not complete yet."""
        return self._piece_count > 0

    @property
    def usage(self) -> Usage:
        """Tokens so far; none until the server has accepted the request."""
        if self._reported is not None:
            return self._reported
        output = max(self._piece_count, estimated_token_count(self._character_count))
        return self._input + Usage(0, output) if self._begun else Usage()

    def begin(self) -> None:
        """Note that the server has accepted the request."""
        self._begun = True

    def _say(self, content: str, reasoning: str = "") -> Piece:
        """Take a piece of the answer, and one of the reasoning."""
        self._piece_count += bool(content or reasoning)
        self._character_count += len(content) + len(reasoning)
        return Piece(reasoning=reasoning) + self._text.feed(content)

    def _call(self, index: int | None, call_id: str | None, name: str | None, arguments: str | None) -> None:
        """Take a piece of a call; see :meth:`ToolCallPieces.add`."""
        if self._takes_calls:
            self._piece_count += 1
            self._character_count += len(name or "") + len(arguments or "")
            self._calls.add(index, call_id, name, arguments)

    def _report_input(self, usage: Usage) -> None:
        """Take the server's own count of what it read, while it still writes."""
        self._input = usage

    def _report(self, usage: Usage) -> None:
        """Take the server's own count; one of nothing, with which some begin, is none."""
        if usage.input_token_count or usage.output_token_count:
            self._reported = usage

    def _finish(self, reason: FinishReason) -> Piece:
        """Take the reason for the end; the first one holds. Returns the text that was held back."""
        if self.finish_reason is None:
            self.finish_reason = FinishReason.STOP if self.cut else reason
        return self._text.finish()

    def _called(self) -> tuple[ToolCall, ...]:
        """Return the calls when the answer has come to its end, which they are then the reason for.

        None where a stop string ended it: before them, or amid them.
        """
        try:
            calls = () if self.cut else self._calls.finish()
        except BackendError:
            # What ends in nonsense has not answered.
            self.finish_reason = None
            raise
        # Servers call the end of a call that they were told to make by several names.
        if calls and self.finish_reason is not FinishReason.LENGTH:
            self.finish_reason = FinishReason.TOOL_CALLS
        return calls


def delta_of(piece: Piece, tokens: tuple[TokenLogprob, ...] = (), calls: tuple[ToolCall, ...] = ()) -> Delta:
    """Make a delta of ``piece``, the tokens that it came with, and the calls that are complete with it."""
    return Delta(piece.text, piece.reasoning, tokens, calls)
