"""An answer that comes as events of the responses API."""

from __future__ import annotations

from backends.openai_responses_wire import ArgumentsDelta, Event, ItemEvent, Response, TextDelta
from backends.provider_codes import error_named
from backends.streamed_answer import StreamedAnswer, delta_of
from backends.types import Delta, FinishReason

_TEXT = "response.output_text.delta"
_REFUSAL = "response.refusal.delta"
_REASONING = frozenset({"response.reasoning_text.delta", "response.reasoning_summary_text.delta"})
_ITEM = "response.output_item.added"
_ARGUMENTS = "response.function_call_arguments.delta"
_WHOLE_ARGUMENTS = "response.function_call_arguments.done"
_ENDS = frozenset({"response.completed", "response.incomplete", "response.failed"})


class ResponseAnswer(StreamedAnswer):
    """Reads events; the last one has the account of the whole."""

    def add(self, event: str) -> Delta:
        """Take the next event; those that say nothing new give an empty delta."""
        # What some servers close the stream with, as in the older API.
        if event.strip() == "[DONE]":
            self.is_over = True
            return Delta()
        read = Event.model_validate_json(event)
        if read.type == _TEXT:
            return self._piece(TextDelta.model_validate_json(event))
        if read.type in _REASONING:
            return delta_of(self._say("", TextDelta.model_validate_json(event).delta))
        if read.type in (_ITEM, _ARGUMENTS, _WHOLE_ARGUMENTS):
            self._take_call(read.type, event)
        elif read.type == _REFUSAL:
            self.refusal = "the model declines to answer"
        elif read.type in _ENDS:
            return self._end(read.response or Response())
        elif read.type == "error":
            raise error_named(read.code or (read.error.code if read.error else None), "the server")
        return Delta()

    def _piece(self, piece: TextDelta) -> Delta:
        text = self._say(piece.delta)
        if self.cut:
            text += self._finish(FinishReason.STOP)
        tokens = (token.token_logprob(self._top_logprob_count) for token in piece.logprobs or ())
        return delta_of(text, tuple(tokens))

    def _take_call(self, kind: str, event: str) -> None:
        if kind == _ITEM:
            added = ItemEvent.model_validate_json(event)
            item = added.item
            if item.type == "function_call":
                self._call(added.output_index, item.call_id, item.name, item.arguments)
            return
        piece = ArgumentsDelta.model_validate_json(event)
        if kind == _ARGUMENTS:
            self._call(piece.output_index, None, None, piece.delta)
        elif piece.arguments is not None:
            self._calls.replace_arguments(piece.output_index, piece.arguments)

    def _end(self, response: Response) -> Delta:
        self.is_over = True
        if response.usage is not None:
            self._report(response.usage.usage())
        if response.error is not None:
            raise error_named(response.error.code or response.error.type, "the server")
        cut = response.incomplete_details
        if cut is not None and cut.reason == "content_filter":
            self.refusal = "the server's content filter stopped the answer"
        text = self._finish(FinishReason.STOP if cut is None else FinishReason.LENGTH)
        return delta_of(text, calls=self._called())
