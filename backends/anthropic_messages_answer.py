"""An answer that comes as events of the messages API."""

from __future__ import annotations

from backends.answer_text import AnswerText
from backends.anthropic_messages_wire import Event, EventDelta, MessageUsage, finish_reason_of
from backends.provider_codes import error_named
from backends.reasoning import Piece
from backends.streamed_answer import StreamedAnswer, delta_of
from backends.types import Delta, Usage


class MessageAnswer(StreamedAnswer):
    """Reads events. ``answer_tool`` names the tool whose input is the answer; None: the text is.

    Text beside that tool is none of the answer. Where the model may call others instead, nobody knows which
    it is until it has ended: its text belongs to calls of others, and that tool's input is void beside them.
    """

    def __init__(
        self,
        text: AnswerText,
        *,
        estimated_input_token_count: int,
        answer_tool: str | None,
        takes_calls: bool = False,
    ) -> None:
        super().__init__(
            text, estimated_input_token_count=estimated_input_token_count, takes_calls=takes_calls
        )
        self._answer_tool = answer_tool
        self._answer_index: int | None = None
        self._held_text: list[str] = []
        self._held_answer: list[str] = []

    def add(self, event: str) -> Delta:
        """Take the next event; those that say nothing new, such as pings, give an empty delta."""
        read = Event.model_validate_json(event)
        if read.type == "message_start" and read.message is not None and read.message.usage is not None:
            self._report_input(read.message.usage.read(self._input))
        elif read.type == "content_block_start":
            self._begin_block(read)
        elif read.type == "content_block_delta" and read.delta is not None:
            return self._piece(read.index, read.delta)
        elif read.type == "message_delta":
            return self._end(read.delta, read.usage)
        elif read.type == "message_stop":
            self.is_over = True
        elif read.type == "error":
            raise error_named(read.error.type if read.error else None, "the server")
        return Delta()

    @property
    def _is_open(self) -> bool:
        """Whether the answer may turn out to be one of the answer's tool or of others."""
        return self._answer_tool is not None and self._takes_calls

    def _begin_block(self, event: Event) -> None:
        block = event.content_block
        if block is None or block.type != "tool_use":
            return
        if block.name == self._answer_tool:
            self._answer_index = event.index
        else:
            self._call(event.index, block.id, block.name, None)

    def _piece(self, index: int | None, delta: EventDelta) -> Delta:
        if delta.partial_json is not None and self._takes_calls and index != self._answer_index:
            self._call(index, None, None, delta.partial_json)
            return Delta()
        content = delta.text if self._answer_tool is None else delta.partial_json
        if self._is_open:
            self._hold(delta)
            content = None
        piece = self._say(content or "", delta.thinking or "")
        if self.cut:
            piece += self._finish(finish_reason_of("stop_sequence"))
        return delta_of(piece)

    def _hold(self, delta: EventDelta) -> None:
        self._held_text.append(delta.text or "")
        self._held_answer.append(delta.partial_json or "")

    def _end(self, delta: EventDelta | None, usage: MessageUsage | None) -> Delta:
        if usage is not None and usage.output_tokens is not None:
            self._report(usage.read(self._input) + Usage(0, usage.output_tokens))
        if delta is None or delta.stop_reason is None:
            return Delta()
        if delta.stop_reason == "refusal":
            self.refusal = "the model declines to answer"
        self._told_stop_sequence = delta.stop_sequence
        held = self._said_at_last()
        text = held + self._finish(finish_reason_of(delta.stop_reason))
        return delta_of(text, calls=self._called())

    def _said_at_last(self) -> Piece:
        if not self._is_open:
            return Piece()
        held = self._held_text if self._calls else self._held_answer
        return self._say("".join(held))
