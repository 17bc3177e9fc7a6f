"""A scripted backend: the public test double, and the fastest way to try a configuration.

It answers with a fixed reply, a reply looked up by the last message of the user or a tool, or that message
itself, at a pace and with log-probabilities that its options name, and fails where told to. Where the prompt
has tools, it makes the calls that it was told to make for that message.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from backends.answer_text import AnswerText
from backends.deadline import deadline_after, until
from backends.errors import BackendError, ContextTooLong, Overloaded, Refused, TimedOut, Unavailable
from backends.tool_call_pieces import new_call_id
from backends.tools import ToolCall, ToolMode
from backends.types import (
    Capabilities,
    Completion,
    Delta,
    FinishReason,
    Message,
    Prompt,
    Role,
    TokenLogprob,
    Usage,
)

_FAILURES: dict[str, type[BackendError]] = {
    error.reason: error for error in (Unavailable, Overloaded, TimedOut, ContextTooLong, Refused)
}
_WORD = re.compile(r"\s*\S+|\s+$")

FailureName = Literal["unavailable", "overloaded", "timed_out", "context_too_long", "refused"]


class EchoCall(BaseModel):
    """A call that an echo backend makes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(description="The tool's name.")
    arguments: str = Field("{}", description="What it writes as the arguments, be it JSON or not.")


class EchoOptions(BaseModel):
    """What an echo backend says, how fast, how surely, and whether it fails."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str = Field("echo", description="Name that it reports as its model.")
    reply: str | None = Field(None, description="Fixed answer; unset: the last message.")
    replies: dict[str, str] = Field({}, description="Answers by the last message; tried first.")
    reasoning: str = Field("", description="What it thinks before it answers.")
    logprob: Annotated[float, Field(le=0.0)] | None = Field(
        -0.01, description="Log-probability of every token; null: none are offered."
    )
    logprobs: dict[str, float] = Field({}, description="The same by the last message; tried first.")
    first_token_delay_s: float = Field(0.0, ge=0.0, description="Seconds before the first token.")
    token_delay_s: float = Field(0.0, ge=0.0, description="Seconds before every further token.")
    fail: FailureName | None = Field(None, description="How it fails; unset: it does not.")
    fail_after_token_count: int = Field(0, ge=0, description="Tokens that it gives before it fails.")
    context_token_count: int = Field(8192, ge=1, description="Most words of prompt and answer together.")
    external: bool = Field(False, description="Whether it counts as leaving this machine.")
    images: bool = Field(False, description="Whether it takes pictures, which it does not look at.")
    tools: bool = Field(False, description="Whether it can be given tools to call.")
    calls: dict[str, list[EchoCall]] = Field(
        {}, description="Calls of tools by the last message, where the prompt has those tools."
    )


class EchoBackend:
    """Says what it is told to; a word is a token."""

    Options = EchoOptions

    def __init__(self, options: EchoOptions) -> None:
        self.options = options
        self.capabilities = Capabilities(
            model=options.model,
            context_token_count=options.context_token_count,
            logprobs=options.logprob is not None,
            external=options.external,
            images=options.images,
            tools=options.tools,
        )

    async def start(self) -> None:
        """Do nothing; an echo is always ready."""

    async def close(self) -> None:
        """Do nothing; there is nothing to free."""

    def count_tokens(self, prompt: Prompt) -> int:
        """Words of the prompt, and of its tools."""
        tools = () if prompt.tools is None else prompt.tools.tools
        offered = sum(
            len(f"{tool.name} {tool.description} {dict(tool.parameters)}".split()) for tool in tools
        )
        return offered + sum(_word_count(message) for message in prompt.messages)

    def stream(self, prompt: Prompt, *, timeout_s: float | None = None) -> AsyncGenerator[Delta | Completion]:
        """Say the scripted answer, a word at a time."""
        return self._answer(prompt, timeout_s, deadline_after(timeout_s))

    async def _answer(
        self, prompt: Prompt, timeout_s: float | None, deadline: float | None
    ) -> AsyncGenerator[Delta | Completion]:
        input_token_count = self.count_tokens(prompt)
        limit = self.capabilities.max_output_token_count
        limit = min(prompt.sampling.max_output_token_count or limit, limit)
        if input_token_count >= self.options.context_token_count:
            raise ContextTooLong(
                f"{input_token_count} tokens do not fit into a context of {self.options.context_token_count}"
            )
        count = 0
        text = AnswerText(prompt.sampling.stop)
        try:
            async with aclosing(until(self._deltas(prompt, limit), deadline)) as deltas:
                async for delta in deltas:
                    count += 1
                    yield Delta(text.feed(delta.text).text, delta.reasoning, delta.tokens)
                    if text.stopped:
                        break
        except TimeoutError as exc:
            usage = Usage(input_token_count, count)
            raise TimedOut(f"no complete answer within {timeout_s} s", usage=usage) from exc
        if held := text.finish().text:
            yield Delta(held)
        reason = FinishReason.LENGTH if count == limit and not text.stopped else FinishReason.STOP
        if reason is FinishReason.STOP and (calls := self._calls(prompt)):
            reason = FinishReason.TOOL_CALLS
            count += sum(len(call.arguments.split()) for call in calls)
            yield Delta(tool_calls=calls)
        yield Completion(reason, Usage(input_token_count, count), stop_sequence=text.stop_string)

    def _calls(self, prompt: Prompt) -> tuple[ToolCall, ...]:
        box = prompt.tools
        if box is None or box.choice.mode is ToolMode.NONE:
            return ()
        told = self.options.calls.get(_last_content(prompt), [])
        return tuple(
            ToolCall(new_call_id(), call.name, call.arguments) for call in told if box.find(call.name)
        )

    async def _deltas(self, prompt: Prompt, limit: int) -> AsyncGenerator[Delta]:
        options = self.options
        question = _last_content(prompt)
        usual = question if options.reply is None else options.reply
        reply = options.replies.get(question, "" if self._calls(prompt) else usual)
        logprob = options.logprobs.get(question, options.logprob)
        thoughts = [(word, True) for word in _WORD.findall(options.reasoning)]
        words = thoughts + [(word, False) for word in _WORD.findall(reply)]
        for index, (word, is_thought) in enumerate(words[:limit]):
            self._fail_if_due(index)
            delay_s = options.token_delay_s if index else options.first_token_delay_s
            if delay_s:
                await asyncio.sleep(delay_s)
            tokens = () if logprob is None else (TokenLogprob(word, logprob),)
            yield Delta("" if is_thought else word, word if is_thought else "", tokens)
        self._fail_if_due(len(words))

    def _fail_if_due(self, count: int) -> None:
        if self.options.fail is not None and count >= self.options.fail_after_token_count:
            raise _FAILURES[self.options.fail](
                f"told to fail after {self.options.fail_after_token_count} tokens"
            )


def _last_content(prompt: Prompt) -> str:
    asking = (Role.USER, Role.TOOL)
    return next((m.content for m in reversed(prompt.messages) if m.role in asking), "")


def _word_count(message: Message) -> int:
    calls = sum(len(call.arguments.split()) for call in message.tool_calls)
    return len(message.content.split()) + calls
