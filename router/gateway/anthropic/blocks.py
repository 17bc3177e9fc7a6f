"""What the body of a message is made of: turns and their blocks, tools, the form of the answer."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from router.gateway.body import Part

_Cache = dict[str, Any] | None


class TextBlock(Part):
    """Text."""

    type: Literal["text"]
    text: str
    cache_control: _Cache = None
    citations: None = None


class EncodedImage(Part):
    """A picture itself."""

    type: Literal["base64"]
    media_type: str
    data: str


class ImageBlock(Part):
    """A picture."""

    type: Literal["image"]
    source: EncodedImage
    cache_control: _Cache = None


class ToolUseBlock(Part):
    """A call that the model made."""

    type: Literal["tool_use"]
    id: str
    name: str
    input: dict[str, Any]
    cache_control: _Cache = None
    caller: dict[str, Any] | None = None


class ToolResultBlock(Part):
    """What came of a call."""

    type: Literal["tool_result"]
    tool_use_id: str
    content: str | tuple[TextBlock, ...] = ""
    is_error: bool = False
    cache_control: _Cache = None


class ThinkingBlock(Part):
    """What the model thought."""

    type: Literal["thinking", "redacted_thinking"]
    thinking: str = ""
    signature: str = ""
    data: str = ""


Block = Annotated[
    TextBlock | ImageBlock | ToolUseBlock | ToolResultBlock | ThinkingBlock, Field(discriminator="type")
]


class Turn(Part):
    """A turn of the conversation."""

    role: Literal["user", "assistant"]
    content: str | tuple[Block, ...]


class Tool(Part):
    """A tool of the caller's; those that run at Anthropic's are not to be had."""

    type: Literal["custom"] | None = None
    name: str
    description: str | None = None
    input_schema: dict[str, Any]
    strict: bool | None = None
    cache_control: _Cache = None


class Choice(Part):
    """Which tools are called."""

    type: Literal["auto", "any", "tool", "none"]
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class NoThinking(Part):
    """How much the model is to think, which is set for each tier in its options."""

    type: Literal["disabled"]


class SchemaFormat(Part):
    """JSON under a schema."""

    type: Literal["json_schema"]
    schema_: dict[str, Any] = Field(alias="schema")


class OutputConfig(Part):
    """The form of the answer."""

    format: SchemaFormat | None = None


class Metadata(Part):
    """Who asks, in the caller's own words; nothing depends on it."""

    user_id: Annotated[str, Field(max_length=512)] | None = None
