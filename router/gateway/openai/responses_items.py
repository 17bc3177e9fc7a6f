"""What the body of a response is made of: items of the conversation, tools, the form of the text."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from router.gateway.body import Part
from router.gateway.openai.chat_parts import Bounded, ObjectFormat, TextFormat

_Ignored = Any


class InputText(Part):
    """Text of a message; an earlier answer's comes with notes of its own."""

    type: Literal["input_text", "output_text", "text"]
    text: str
    annotations: _Ignored = None
    logprobs: _Ignored = None


class InputImage(Part):
    """A picture of a message."""

    type: Literal["input_image"]
    image_url: str
    detail: Literal["auto", "low", "high", "original"] | None = None


class OutputRefusal(Part):
    """What an assistant said when it refused."""

    type: Literal["refusal"]
    refusal: str


ContentPart = Annotated[InputText | InputImage | OutputRefusal, Field(discriminator="type")]


class MessageItem(Part):
    """A turn of the conversation."""

    type: Literal["message"] = "message"
    role: Literal["user", "assistant", "system", "developer"]
    content: str | tuple[ContentPart, ...]
    id: str | None = None
    status: str | None = None
    phase: str | None = None


class CallItem(Part):
    """A call that the model made."""

    type: Literal["function_call"]
    call_id: str
    name: str
    arguments: str
    id: str | None = None
    status: str | None = None


class CallOutputItem(Part):
    """What came of a call."""

    type: Literal["function_call_output"]
    call_id: str
    output: str | tuple[InputText, ...]
    id: str | None = None
    status: str | None = None


class ReasoningItem(Part):
    """What the model thought; not shown to another."""

    type: Literal["reasoning"]
    id: str | None = None
    summary: _Ignored = None
    content: _Ignored = None
    encrypted_content: str | None = None
    status: str | None = None


Item = MessageItem | CallItem | CallOutputItem | ReasoningItem


class FunctionTool(Part):
    """A function that the model may call."""

    type: Literal["function"]
    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class NamedChoice(Part):
    """The function that must be called."""

    type: Literal["function"]
    name: str


class SchemaFormat(Part):
    """JSON under a schema."""

    type: Literal["json_schema"]
    name: Bounded = ""
    description: str | None = None
    schema_: dict[str, Any] = Field(alias="schema")
    strict: bool | None = None


class TextOptions(Part):
    """The form of the answer."""

    format: Annotated[TextFormat | ObjectFormat | SchemaFormat, Field(discriminator="type")] | None = None
    verbosity: Literal["medium"] | None = None
