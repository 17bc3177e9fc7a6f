"""The account of one answer while a node's events come in: what to pass on, and what it cost.

A node may void what it has sent, which the seam cannot. Text is passed on as it comes; where the node
changes its mind after that, the final answer must go on from the text passed on, or there is none.
"""

from __future__ import annotations

from upshift.v1 import router_pb2, types_pb2

from backends.errors import Unavailable
from backends.streamed_answer import estimated_token_count
from backends.types import Completion, Delta, FinishReason, Usage
from backends.upshift_node_tools import call_of

# No request costs or takes more; a node that claims so is not believed.
_MAX_COUNT = 10**9
# Text that a node may send per token that it was asked for, and at least, all attempts together; beyond
# that it never ends.
_CHARACTERS_PER_TOKEN, _MIN_CHARACTER_COUNT = 256, 1 << 22

_REASONS = {
    types_pb2.FINISH_REASON_LENGTH: FinishReason.LENGTH,
    types_pb2.FINISH_REASON_TOOL_CALLS: FinishReason.TOOL_CALLS,
}


class NodeAnswer:
    """Turns events into deltas until the result, which is complete in itself."""

    def __init__(self, *, estimated_input_token_count: int, output_limit: int) -> None:
        self.completion: Completion | None = None
        self._max_character_count = _MIN_CHARACTER_COUNT + _CHARACTERS_PER_TOKEN * output_limit
        self._input_token_count = estimated_input_token_count
        self._attempt_number: int | None = None
        self._started = False
        self._passed_on: list[str] = []
        self._character_count = 0

    @property
    def usage(self) -> Usage:
        """Tokens so far: an estimate until the node's own count at the end; none until a tier starts."""
        if self.completion is not None:
            return self.completion.usage
        output = estimated_token_count(self._character_count)
        return Usage(self._input_token_count, output) if self._started else Usage()

    def add(self, event: router_pb2.StreamGenerateResponse) -> Delta:
        """Take the next event; raises Unavailable where it breaks its API's rules."""
        match event.WhichOneof("event"):
            case "attempt_started":
                self._started = True
            case "text_delta":
                return self._text(event.text_delta)
            case "result":
                return self._result(event.result)
        return Delta()

    def _text(self, delta: router_pb2.TextDelta) -> Delta:
        self._character_count += len(delta.text)
        if self._character_count > self._max_character_count:
            raise Unavailable(f"the node wrote more than {self._max_character_count} characters")
        if self._attempt_number is None:
            self._attempt_number = delta.attempt_number
        if delta.attempt_number != self._attempt_number:
            return Delta()
        self._passed_on.append(delta.text)
        return Delta(delta.text)

    def _result(self, result: types_pb2.Result) -> Delta:
        passed_on = "".join(self._passed_on)
        if not result.text.startswith(passed_on):
            raise Unavailable("the node voided the text that it had sent, and gave another answer")
        counts = result.usage
        cached = min(counts.cached_input_token_count, counts.input_token_count)
        usage = Usage(counts.input_token_count, counts.output_token_count, cached)
        seen = (usage.input_token_count, usage.output_token_count, cached, result.cost_usd_micros)
        if not all(0 <= count <= _MAX_COUNT for count in seen):
            raise Unavailable(f"the node gives an account beyond belief: {seen}")
        reason = _REASONS.get(result.finish_reason, FinishReason.STOP)
        self.completion = Completion(reason, usage, result.cost_usd_micros)
        calls = tuple(call_of(call) for call in result.tool_calls)
        return Delta(result.text[len(passed_on) :], result.reasoning, tool_calls=calls)
