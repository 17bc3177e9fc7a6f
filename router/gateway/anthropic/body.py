"""The body of Anthropic's messages API: which fields are taken, and what they are on the wire.

``cache_control`` is taken and means nothing: tiers keep prefixes by themselves. What a model thought in an
earlier turn is not shown to another, so blocks of thinking are taken and left out.
"""

from __future__ import annotations

import json
from typing import Annotated, Literal

from pydantic import Field
from upshift.v1 import router_pb2, types_pb2

from router.gateway.anthropic.blocks import (
    Block,
    Choice,
    ImageBlock,
    Metadata,
    NoThinking,
    OutputConfig,
    TextBlock,
    Tool,
    ToolResultBlock,
    ToolUseBlock,
    Turn,
)
from router.gateway.body import Part, struct, unsupported
from router.gateway.openai.chat_body import json_format
from router.gateway.openai.content import image
from router.gateway.wishes import Wishes, asking, wishes_of


class CountBody(Part):
    """A conversation whose tokens are to be counted."""

    model: Annotated[str, Field(min_length=1, max_length=256)]
    """`auto`, `policy:NAME`, or the name of a tier."""
    messages: tuple[Turn, ...]
    """The conversation, oldest first."""
    system: str | tuple[TextBlock, ...] | None = None
    tools: tuple[Tool, ...] | None = None
    tool_choice: Choice | None = None
    output_config: OutputConfig | None = None
    upshift: Wishes | None = None
    """What is asked of the router."""
    thinking: NoThinking | None = None

    def asking(self, headers: dict[str, str]) -> router_pb2.GenerateRequest:
        """The request as the wire has it. Raises InvalidRequest."""
        return asking(wishes_of(headers, self.upshift), self.model, self._prompt())

    def _prompt(self) -> types_pb2.Prompt:
        turns = [
            message
            for place, turn in enumerate(self.messages)
            for message in _turn(turn, f"messages[{place}].content")
        ]
        if self.system:
            said = self.system if isinstance(self.system, str) else "\n".join(b.text for b in self.system)
            turns.insert(0, types_pb2.Message(role=types_pb2.ROLE_SYSTEM, content=said))
        form = None if self.output_config is None else self.output_config.format
        return types_pb2.Prompt(
            messages=turns,
            sampling=self._sampling(),
            response_format=None
            if form is None
            else json_format(form.schema_, "output_config.format.schema"),
            tools=self._toolbox(),
        )

    def _sampling(self) -> types_pb2.Sampling:
        return types_pb2.Sampling()

    def _toolbox(self) -> types_pb2.Toolbox | None:
        if not self.tools:
            if self.tool_choice is not None and self.tool_choice.type in ("any", "tool"):
                raise unsupported("tool_choice", "needs `tools`")
            return None
        found = [
            types_pb2.Tool(
                name=tool.name,
                description=tool.description or "",
                parameters=struct(tool.input_schema, f"tools[{place}].input_schema"),
                strict=tool.strict,
            )
            for place, tool in enumerate(self.tools)
        ]
        if self.tool_choice is None:
            return types_pb2.Toolbox(tools=found)
        choice = types_pb2.ToolChoice(mode=_MODES[self.tool_choice.type], name=self.tool_choice.name or "")
        single = self.tool_choice.disable_parallel_tool_use
        return types_pb2.Toolbox(
            tools=found, choice=choice, parallel_calls=None if single is None else not single
        )


class MessagesBody(CountBody):
    """A message that is asked for."""

    max_tokens: Annotated[int, Field(ge=1, le=2**31 - 1)]
    stream: bool | None = None
    stop_sequences: tuple[str, ...] | None = None
    temperature: float | None = Field(default=None, ge=0.0, le=1.0)
    top_p: float | None = None
    top_k: int | None = Field(default=None, ge=1, le=2**31 - 1)
    metadata: Metadata | None = None
    service_tier: Literal["auto", "standard_only"] | None = None

    def _sampling(self) -> types_pb2.Sampling:
        return types_pb2.Sampling(
            temperature=self.temperature,
            top_p=self.top_p,
            top_k=self.top_k,
            max_output_token_count=self.max_tokens,
            stop=self.stop_sequences or (),
        )


_MODES = {
    "auto": types_pb2.TOOL_MODE_AUTO,
    "none": types_pb2.TOOL_MODE_NONE,
    "any": types_pb2.TOOL_MODE_REQUIRED,
    "tool": types_pb2.TOOL_MODE_REQUIRED,
}


def _turn(turn: Turn, path: str) -> list[types_pb2.Message]:
    """One turn is several messages of the wire where it answers calls of tools."""
    blocks = (TextBlock(type="text", text=turn.content),) if isinstance(turn.content, str) else turn.content
    if turn.role == "assistant":
        return [_said(blocks, path)]
    answers = [_answer(block) for block in blocks if isinstance(block, ToolResultBlock)]
    if any(isinstance(block, ToolUseBlock) for block in blocks):
        raise unsupported(path, "holds a call of a tool; only messages of the assistant may")
    text, images = _text(blocks), _images(blocks, path)
    if text or images or not answers:
        answers.append(types_pb2.Message(role=types_pb2.ROLE_USER, content=text, images=images))
    return answers


def _said(blocks: tuple[Block, ...], path: str) -> types_pb2.Message:
    if any(isinstance(block, ImageBlock | ToolResultBlock) for block in blocks):
        raise unsupported(path, "holds a picture or a tool's result; only messages of the user may")
    calls = [
        types_pb2.ToolCall(
            id=block.id, name=block.name, arguments=json.dumps(block.input, ensure_ascii=False)
        )
        for block in blocks
        if isinstance(block, ToolUseBlock)
    ]
    return types_pb2.Message(role=types_pb2.ROLE_ASSISTANT, content=_text(blocks), tool_calls=calls)


def _answer(block: ToolResultBlock) -> types_pb2.Message:
    said = block.content if isinstance(block.content, str) else "\n".join(b.text for b in block.content)
    return types_pb2.Message(
        role=types_pb2.ROLE_TOOL, content=said, tool_call_id=block.tool_use_id, is_error=block.is_error
    )


def _text(blocks: tuple[Block, ...]) -> str:
    return "\n".join(block.text for block in blocks if isinstance(block, TextBlock))


def _images(blocks: tuple[Block, ...], path: str) -> list[types_pb2.Image]:
    return [
        image(block.source.data, block.source.media_type, f"{path}[{place}].source.data")
        for place, block in enumerate(blocks)
        if isinstance(block, ImageBlock)
    ]
