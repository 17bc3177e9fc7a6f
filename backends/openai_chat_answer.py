"""An answer that comes as chunks of the chat completions API."""

from __future__ import annotations

from backends.openai_chat_wire import DONE, Choice, Chunk, finish_reason_of
from backends.provider_codes import error_named
from backends.streamed_answer import StreamedAnswer, delta_of
from backends.types import Delta, FinishReason, TokenLogprob


class ChatAnswer(StreamedAnswer):
    """Reads chunks. A server that ends with ``[DONE]`` and no reason has answered."""

    def add(self, event: str) -> Delta:
        """Take the next chunk, or the word that it was the last."""
        if event.strip() == DONE:
            self.is_over = True
            return delta_of(self._finish(FinishReason.STOP), calls=self._called())
        chunk = Chunk.model_validate_json(event)
        if chunk.error is not None:
            raise error_named(chunk.error.code or chunk.error.type, "the server")
        if chunk.usage is not None:
            self._report(chunk.usage.usage())
        return self._read(chunk.choices[0]) if chunk.choices else Delta()

    def _read(self, choice: Choice) -> Delta:
        delta = choice.delta
        if self.finish_reason is not None:
            return Delta()
        piece = self._say(delta.content or "", delta.reasoning_content or delta.reasoning or "")
        for call in delta.tool_calls or ():
            self._call(call.index, call.id, call.function.name, call.function.arguments)
        if choice.finish_reason == "content_filter":
            self.refusal = "the server's content filter stopped the answer"
        elif delta.refusal:
            self.refusal = "the model declines to answer"
        if choice.finish_reason or self.cut:
            piece += self._finish(finish_reason_of(choice.finish_reason or ""))
            return delta_of(piece, self._tokens(choice), self._called())
        return delta_of(piece, self._tokens(choice))

    def _tokens(self, choice: Choice) -> tuple[TokenLogprob, ...]:
        return choice.logprobs.tokens(self._top_logprob_count) if choice.logprobs else ()
