"""The body of OpenAI's responses API: which fields are taken, and what they are on the wire.

Nothing is kept between requests, so ``previous_response_id`` and ``store: true`` are refused: the whole
conversation comes along, as ``input``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field
from upshift.v1 import router_pb2, types_pb2

from router.gateway.body import Part, struct, unsupported
from router.gateway.openai.chat_body import json_format
from router.gateway.openai.chat_parts import Bounded, ObjectFormat, TextFormat
from router.gateway.openai.content import TOOL_MODES, image_message
from router.gateway.openai.responses_items import (
    CallItem,
    CallOutputItem,
    FunctionTool,
    InputImage,
    InputText,
    Item,
    MessageItem,
    NamedChoice,
    ReasoningItem,
    SchemaFormat,
    TextOptions,
)
from router.gateway.wishes import Wishes, asking, wishes_of

LOGPROBS = "message.output_text.logprobs"


class ResponsesBody(Part):
    """A response that is asked for."""

    model: Annotated[str, Field(min_length=1, max_length=256)]
    """`auto`, `policy:NAME`, or the name of a tier."""
    input: str | tuple[Item, ...]
    """The conversation, oldest first."""
    instructions: str | None = None
    stream: bool | None = None
    stream_options: dict[str, bool] | None = None
    max_output_tokens: int | None = Field(default=None, ge=1, le=2**31 - 1)
    temperature: float | None = None
    top_p: float | None = None
    top_logprobs: int | None = Field(default=None, ge=0, le=20)
    include: tuple[Literal["message.output_text.logprobs", "reasoning.encrypted_content"], ...] | None = None
    text: TextOptions | None = None
    tools: tuple[FunctionTool, ...] | None = None
    tool_choice: Literal["auto", "none", "required"] | NamedChoice | None = None
    parallel_tool_calls: bool | None = None
    upshift: Wishes | None = None
    """What is asked of the router."""
    background: Literal[False] | None = None
    metadata: dict[str, str] | None = None
    prompt_cache_key: Bounded | None = None
    safety_identifier: Bounded | None = None
    service_tier: Literal["auto", "default"] | None = None
    store: Literal[False] | None = None
    truncation: Literal["disabled"] | None = None
    user: Bounded | None = None

    def asking(self, headers: dict[str, str]) -> router_pb2.GenerateRequest:
        """The request as the wire has it. Raises InvalidRequest."""
        return asking(wishes_of(headers, self.upshift), self.model, self._prompt())

    def _prompt(self) -> types_pb2.Prompt:
        form = None if self.text is None else self.text.format
        return types_pb2.Prompt(
            messages=list(self._messages()),
            sampling=types_pb2.Sampling(
                temperature=self.temperature,
                top_p=self.top_p,
                max_output_token_count=self.max_output_tokens,
                top_logprob_count=(self.top_logprobs or 0) if LOGPROBS in (self.include or ()) else None,
            ),
            response_format=_form(form),
            tools=self._toolbox(),
        )

    def _messages(self) -> Iterator[types_pb2.Message]:
        if self.instructions:
            yield types_pb2.Message(role=types_pb2.ROLE_SYSTEM, content=self.instructions)
        if isinstance(self.input, str):
            yield types_pb2.Message(role=types_pb2.ROLE_USER, content=self.input)
            return
        said: types_pb2.Message | None = None
        for place, item in enumerate(self.input):
            # Calls are items of their own here; on the wire they belong to the turn that made them.
            if isinstance(item, CallItem):
                said = said or types_pb2.Message(role=types_pb2.ROLE_ASSISTANT)
                said.tool_calls.add(id=item.call_id, name=item.name, arguments=item.arguments)
                continue
            if isinstance(item, ReasoningItem):
                continue
            if said is not None:
                yield said
            said = None
            message = _message(item, f"input[{place}]")
            if message.role == types_pb2.ROLE_ASSISTANT:
                said = message
            else:
                yield message
        if said is not None:
            yield said

    def _toolbox(self) -> types_pb2.Toolbox | None:
        if not self.tools:
            if self.tool_choice not in (None, "none", "auto"):
                raise unsupported("tool_choice", "needs `tools`")
            return None
        found = [
            types_pb2.Tool(
                name=tool.name,
                description=tool.description or "",
                parameters=None
                if tool.parameters is None
                else struct(tool.parameters, f"tools[{place}].parameters"),
                strict=tool.strict,
            )
            for place, tool in enumerate(self.tools)
        ]
        return types_pb2.Toolbox(
            tools=found, choice=_choice(self.tool_choice), parallel_calls=self.parallel_tool_calls
        )


def _message(item: MessageItem | CallOutputItem, path: str) -> types_pb2.Message:
    if isinstance(item, CallOutputItem):
        said = item.output if isinstance(item.output, str) else "\n".join(part.text for part in item.output)
        return types_pb2.Message(role=types_pb2.ROLE_TOOL, content=said, tool_call_id=item.call_id)
    if isinstance(item.content, str):
        return types_pb2.Message(role=_ROLES[item.role], content=item.content)
    images = [
        image_message(part.image_url, f"{path}.content[{place}].image_url")
        for place, part in enumerate(item.content)
        if isinstance(part, InputImage)
    ]
    if images and item.role != "user":
        raise unsupported(f"{path}.content", "holds a picture; only messages of the user may")
    said = "\n".join(
        part.text if isinstance(part, InputText) else part.refusal
        for part in item.content
        if not isinstance(part, InputImage)
    )
    return types_pb2.Message(role=_ROLES[item.role], content=said, images=images)


_ROLES = {
    "user": types_pb2.ROLE_USER,
    "assistant": types_pb2.ROLE_ASSISTANT,
    "system": types_pb2.ROLE_SYSTEM,
    "developer": types_pb2.ROLE_SYSTEM,
}


def _choice(choice: str | NamedChoice | None) -> types_pb2.ToolChoice | None:
    if choice is None:
        return None
    if isinstance(choice, str):
        return types_pb2.ToolChoice(mode=TOOL_MODES[choice])
    return types_pb2.ToolChoice(mode=types_pb2.TOOL_MODE_REQUIRED, name=choice.name)


def _form(form: TextFormat | ObjectFormat | SchemaFormat | None) -> types_pb2.ResponseFormat | None:
    match form:
        case ObjectFormat():
            return json_format({"type": "object"}, "text.format")
        case SchemaFormat():
            return json_format(form.schema_, "text.format.schema")
    return None
