"""An answer that comes as events of the messages API."""

from __future__ import annotations

from backends.answer_text import AnswerText
from backends.anthropic_messages_wire import Event, EventDelta, MessageUsage, finish_reason_of
from backends.provider_codes import error_named
from backends.streamed_answer import StreamedAnswer, delta_of
from backends.types import Delta, Usage


class MessageAnswer(StreamedAnswer):
    """Reads events. ``is_tool``: the answer is the input of a tool, and text beside it is none of it."""

    def __init__(self, text: AnswerText, *, estimated_input_token_count: int, is_tool: bool) -> None:
        super().__init__(text, estimated_input_token_count=estimated_input_token_count)
        self._is_tool = is_tool

    def add(self, event: str) -> Delta:
        """Take the next event; those that say nothing new, such as pings, give an empty delta."""
        read = Event.model_validate_json(event)
        if read.type == "message_start" and read.message is not None and read.message.usage is not None:
            self._report_input(read.message.usage.read(self._input))
        elif read.type == "content_block_delta" and read.delta is not None:
            return self._piece(read.delta)
        elif read.type == "message_delta":
            return self._end(read.delta, read.usage)
        elif read.type == "message_stop":
            self.is_over = True
        elif read.type == "error":
            raise error_named(read.error.type if read.error else None, "the server")
        return Delta()

    def _piece(self, delta: EventDelta) -> Delta:
        content = delta.partial_json if self._is_tool else delta.text
        piece = self._say(content or "", delta.thinking or "")
        if self.cut:
            piece += self._finish(finish_reason_of("stop_sequence"))
        return delta_of(piece)

    def _end(self, delta: EventDelta | None, usage: MessageUsage | None) -> Delta:
        if usage is not None and usage.output_tokens is not None:
            self._report(usage.read(self._input) + Usage(0, usage.output_tokens))
        if delta is None or delta.stop_reason is None:
            return Delta()
        if delta.stop_reason == "refusal":
            self.refusal = "the model declines to answer"
        return delta_of(self._finish(finish_reason_of(delta.stop_reason)))
