"""What the body of a chat completion is made of: turns and their parts, tools, forms of answers."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from router.gateway.body import Part

Bounded = Annotated[str, Field(max_length=512)]
"""A name or a note that nothing depends on."""


class TextPart(Part):
    """Text of a message."""

    type: Literal["text"]
    text: str


class ImageAddress(Part):
    """Where a picture is: in the address itself."""

    url: str
    detail: Literal["auto", "low", "high"] | None = None


class ImagePart(Part):
    """A picture of a message."""

    type: Literal["image_url"]
    image_url: ImageAddress


class RefusalPart(Part):
    """What an assistant said when it refused."""

    type: Literal["refusal"]
    refusal: str


ContentPart = Annotated[TextPart | ImagePart | RefusalPart, Field(discriminator="type")]
Content = str | tuple[ContentPart, ...]


class FunctionCall(Part):
    """Which function is called, and with what."""

    name: str
    arguments: str


class Call(Part):
    """A call that an assistant made."""

    id: str
    type: Literal["function"] = "function"
    function: FunctionCall


class Instructions(Part):
    """What holds for the whole conversation."""

    role: Literal["system", "developer"]
    content: Content
    name: Bounded | None = None


class Asker(Part):
    """A turn of who asks."""

    role: Literal["user"]
    content: Content
    name: Bounded | None = None


class Assistant(Part):
    """An earlier answer. ``reasoning_content`` is what came with it; models are not shown it again."""

    role: Literal["assistant"]
    content: Content | None = None
    name: Bounded | None = None
    refusal: str | None = None
    tool_calls: tuple[Call, ...] | None = None
    reasoning_content: str | None = None
    annotations: tuple[dict[str, Any], ...] | None = None
    audio: None = None
    function_call: None = None


class ToolAnswer(Part):
    """What came of a call."""

    role: Literal["tool"]
    content: Content
    tool_call_id: str
    name: Bounded | None = None


Turn = Annotated[Instructions | Asker | Assistant | ToolAnswer, Field(discriminator="role")]


class Function(Part):
    """A function that the model may call."""

    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class FunctionTool(Part):
    """A tool; functions are the only kind that is taken."""

    type: Literal["function"]
    function: Function


class FunctionName(Part):
    """The name of a function."""

    name: str


class NamedChoice(Part):
    """The function that must be called."""

    type: Literal["function"]
    function: FunctionName


Choice = Literal["auto", "none", "required"] | NamedChoice


class TextFormat(Part):
    """Free text."""

    type: Literal["text"]


class ObjectFormat(Part):
    """Any JSON object."""

    type: Literal["json_object"]


class NamedSchema(Part):
    """A JSON Schema. Every tier is held to it, so ``strict`` changes nothing."""

    name: Bounded
    description: str | None = None
    schema_: dict[str, Any] = Field(alias="schema")
    strict: bool | None = None


class SchemaFormat(Part):
    """JSON under a schema."""

    type: Literal["json_schema"]
    json_schema: NamedSchema


Form = Annotated[TextFormat | ObjectFormat | SchemaFormat, Field(discriminator="type")]


class StreamOptions(Part):
    """What a stream tells beside the answer."""

    include_usage: bool = False
    include_obfuscation: bool | None = None
