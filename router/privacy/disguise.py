"""A prompt on its way out: stand-ins for personal data, and values put back into the answer.

What looks at the answer afterwards (signals, validators, votes, the caller) sees values, as if there had been
no stand-ins; only the model, and whoever runs it, does not. The mapping lives as long as the stream.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import fields, replace

from backends.base import Backend
from backends.errors import Refused
from backends.stop_strings import StopStrings
from backends.tools import Toolbox, ToolCall
from backends.types import (
    Completion,
    Delta,
    FinishReason,
    GrammarFormat,
    JsonSchemaFormat,
    Message,
    Prompt,
    RegexFormat,
    ResponseFormat,
    Usage,
)
from policies.pii.restoration import Opening, RestoredText, RestoredTokens
from policies.pii.scan import scan
from policies.pii.stand_ins import StandIns, redacted
from router.privacy.spoken import respoken, spoken

# What of a message is looked through, or cannot hold such data.
_READ = frozenset({"role", "content", "tool_calls", "tool_call_id", "is_error"})


class Disguise:
    """``prompt`` without the data that its clearance says to replace. Made for one stream.

    ``stream`` raises Refused where the form that was asked for holds such data, for a server that enforces it
    must know it; and where a message holds more than text, in which nobody looks for such data.
    """

    def __init__(self, prompt: Prompt) -> None:
        kinds = prompt.clearance.redact
        texts, stand_ins = redacted(spoken(prompt.messages), kinds)
        self._plain = prompt
        self._stand_ins = stand_ins
        self._problem = _problem(prompt)
        opening, escape = Opening(stand_ins), _escape(prompt.response_format)
        self._text = RestoredText(stand_ins, opening, escape)
        self._reasoning = RestoredText(stand_ins, opening)
        self._tokens = RestoredTokens(stand_ins, opening, escape)
        self._stops = StopStrings(prompt.sampling.stop)
        self.prompt = replace(
            prompt,
            messages=respoken(prompt.messages, texts),
            sampling=replace(prompt.sampling, stop=_harmless(prompt.sampling.stop, stand_ins)),
        )

    def stream(self, backend: Backend, timeout_s: float | None) -> AsyncGenerator[Delta | Completion]:
        """Ask ``backend`` and put values back into what it says. Raises Refused."""
        if self._problem is not None:
            raise Refused(self._problem)
        if not self._stand_ins.values:
            return backend.stream(self._plain, timeout_s=timeout_s)
        return self._restored(backend, backend.stream(self.prompt, timeout_s=timeout_s))

    async def _restored(
        self, backend: Backend, items: AsyncGenerator[Delta | Completion]
    ) -> AsyncGenerator[Delta | Completion]:
        count = 0
        async with aclosing(items):
            async for item in items:
                if isinstance(item, Completion):
                    if not (rest := self._rest()).is_empty:
                        yield rest
                    yield item
                    return
                count += len(item.tokens) or item.piece_count
                if not (delta := self._delta(item)).is_empty:
                    yield delta
                if self._stops.found:
                    usage = Usage(backend.count_tokens(self.prompt), count)
                    yield Completion(FinishReason.STOP, usage, stop_sequence=self._stops.string)
                    return

    def _delta(self, item: Delta) -> Delta:
        text = self._stops.feed(self._text.feed(item.text))
        calls = tuple(self._call(call) for call in item.tool_calls)
        reasoning, tokens = self._reasoning.feed(item.reasoning), self._tokens.feed(item.tokens)
        return Delta(text, reasoning, tokens, calls, item.piece_count)

    def _call(self, call: ToolCall) -> ToolCall:
        return replace(call, arguments=self._stand_ins.restored(call.arguments, _in_json))

    def _rest(self) -> Delta:
        text = self._stops.feed(self._text.finish()) + self._stops.finish()
        return Delta(text, self._reasoning.finish(), self._tokens.finish())


def _problem(prompt: Prompt) -> str | None:
    """Why the prompt cannot leave disguised; None: it can."""
    if scan(_form_text(prompt.response_format), prompt.clearance.redact):
        return "the form that was asked for holds personal data, which must not leave this machine"
    if prompt.tools is not None and scan(_tools_text(prompt.tools), prompt.clearance.redact):
        return "the tools hold personal data, which must not leave this machine"
    if any(_holds_more_than_text(message) for message in prompt.messages):
        return "a message holds more than text, where personal data cannot be told, and so must not leave"
    return None


def _tools_text(box: Toolbox) -> str:
    said = [(tool.name, tool.description, dict(tool.parameters)) for tool in box.tools]
    return json.dumps(said, ensure_ascii=False)


def _holds_more_than_text(message: Message) -> bool:
    return any(getattr(message, one.name) for one in fields(message) if one.name not in _READ)


def _form_text(form: ResponseFormat | None) -> str:
    match form:
        case JsonSchemaFormat(schema):
            return json.dumps(schema, ensure_ascii=False)
        case RegexFormat(text) | GrammarFormat(text):
            return text
        case None:
            return ""


def _escape(form: ResponseFormat | None) -> Callable[[str], str]:
    """How a value becomes part of the answer: of a string where the answer is JSON."""
    return _in_json if isinstance(form, JsonSchemaFormat) else str


def _in_json(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)[1:-1]


def _harmless(stop: tuple[str, ...], stand_ins: StandIns) -> tuple[str, ...]:
    """Stop strings that no stand-in can hold or touch; all of them are looked for here anyway."""
    return tuple(
        string
        for string in stop
        if not {"<", ">"} & set(string) and not any(string in name for name in stand_ins.values)
    )
