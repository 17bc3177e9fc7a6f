"""The body of a chat completion: which fields are taken, and what they are on the wire.

Fields that change nothing here (``user``, ``metadata``, ``store: false``, …) are taken so that clients need
not leave them out; every other one that is not listed is refused.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field
from upshift.v1 import router_pb2, types_pb2

from router.gateway.body import Part, struct, unsupported
from router.gateway.openai.chat_parts import (
    Asker,
    Bounded,
    Choice,
    Content,
    Form,
    FunctionTool,
    ImagePart,
    Instructions,
    ObjectFormat,
    StreamOptions,
    TextFormat,
    TextPart,
    ToolAnswer,
    Turn,
)
from router.gateway.openai.content import TOOL_MODES, image_message
from router.gateway.wishes import Wishes, asking, wishes_of

MAX_ANSWER_COUNT = 8


class ChatBody(Part):
    """A chat completion that is asked for."""

    model: Annotated[str, Field(min_length=1, max_length=256)]
    """`auto`, `policy:NAME`, or the name of a tier."""
    messages: tuple[Turn, ...]
    """The conversation, oldest first."""
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = Field(default=None, ge=1, le=2**31 - 1)
    max_completion_tokens: int | None = Field(default=None, ge=1, le=2**31 - 1)
    stop: str | tuple[str, ...] | None = None
    seed: int | None = Field(default=None, ge=-(2**63), le=2**63 - 1)
    n: int | None = Field(default=None, ge=1, le=MAX_ANSWER_COUNT)
    """Answers, each routed for itself; `max_cost_usd` is shared out among them."""
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = Field(default=None, ge=0, le=20)
    response_format: Form | None = None
    tools: tuple[FunctionTool, ...] | None = None
    tool_choice: Choice | None = None
    parallel_tool_calls: bool | None = None
    top_k: int | None = Field(default=None, ge=1, le=2**31 - 1)
    """As vLLM and others have it, and so the next two."""
    min_p: float | None = None
    repetition_penalty: float | None = None
    upshift: Wishes | None = None
    """What is asked of the router."""
    user: Bounded | None = None
    metadata: dict[str, str] | None = None
    store: Literal[False] | None = None
    service_tier: Literal["auto", "default"] | None = None
    modalities: tuple[Literal["text"]] | None = None
    prompt_cache_key: Bounded | None = None
    safety_identifier: Bounded | None = None

    def asking(self, headers: dict[str, str], *, index: int = 0) -> router_pb2.GenerateRequest:
        """The request for answer ``index`` as the wire has it. Raises InvalidRequest."""
        wishes = wishes_of(headers, self.upshift)
        count = self.n or 1
        if count > 1 and wishes.max_cost_usd is not None:
            wishes = wishes.model_copy(update={"max_cost_usd": wishes.max_cost_usd / count})
        return asking(wishes, self.model, self._prompt(index))

    @property
    def includes_usage(self) -> bool:
        """Whether a stream ends with what was used."""
        return self.stream_options is not None and self.stream_options.include_usage

    def _prompt(self, index: int) -> types_pb2.Prompt:
        return types_pb2.Prompt(
            messages=[_message(turn, f"messages[{place}]") for place, turn in enumerate(self.messages)],
            sampling=self._sampling(index),
            response_format=None if self.response_format is None else _form(self.response_format),
            tools=toolbox(self.tools, self.tool_choice, self.parallel_tool_calls),
        )

    def _sampling(self, index: int) -> types_pb2.Sampling:
        if self.top_logprobs is not None and not self.logprobs:
            raise unsupported("top_logprobs", "needs `logprobs: true`")
        stop = (self.stop,) if isinstance(self.stop, str) else self.stop
        limits = [limit for limit in (self.max_tokens, self.max_completion_tokens) if limit is not None]
        return types_pb2.Sampling(
            temperature=self.temperature,
            top_p=self.top_p,
            max_output_token_count=min(limits) if limits else None,
            stop=stop or (),
            # Answers that are drawn alike would be the same one several times.
            seed=None if self.seed is None else _wrapped(self.seed + index),
            top_k=self.top_k,
            min_p=self.min_p,
            repetition_penalty=self.repetition_penalty,
            presence_penalty=self.presence_penalty,
            frequency_penalty=self.frequency_penalty,
            top_logprob_count=(self.top_logprobs or 0) if self.logprobs else None,
        )


def _wrapped(seed: int) -> int:
    return (seed + 2**63) % 2**64 - 2**63


def _message(turn: Turn, path: str) -> types_pb2.Message:
    match turn:
        case Instructions():
            return types_pb2.Message(role=types_pb2.ROLE_SYSTEM, content=_text(turn.content, path))
        case Asker():
            images = _images(turn.content, path)
            return types_pb2.Message(
                role=types_pb2.ROLE_USER, content=_text(turn.content, path, with_images=True), images=images
            )
        case ToolAnswer():
            return types_pb2.Message(
                role=types_pb2.ROLE_TOOL, content=_text(turn.content, path), tool_call_id=turn.tool_call_id
            )
    said = _text(turn.content or "", path) or turn.refusal or ""
    calls = [
        types_pb2.ToolCall(id=call.id, name=call.function.name, arguments=call.function.arguments)
        for call in turn.tool_calls or ()
    ]
    return types_pb2.Message(role=types_pb2.ROLE_ASSISTANT, content=said, tool_calls=calls)


def _text(content: Content, path: str, *, with_images: bool = False) -> str:
    if isinstance(content, str):
        return content
    if not with_images and any(isinstance(part, ImagePart) for part in content):
        raise unsupported(f"{path}.content", "holds a picture; only messages of the user may")
    said = (
        part.text if isinstance(part, TextPart) else part.refusal
        for part in content
        if not isinstance(part, ImagePart)
    )
    return "\n".join(said)


def _images(content: Content, path: str) -> list[types_pb2.Image]:
    if isinstance(content, str):
        return []
    return [
        image_message(part.image_url.url, f"{path}.content[{place}].image_url.url")
        for place, part in enumerate(content)
        if isinstance(part, ImagePart)
    ]


def _form(form: Form) -> types_pb2.ResponseFormat | None:
    match form:
        case TextFormat():
            return None
        case ObjectFormat():
            return json_format({"type": "object"}, "response_format")
    return json_format(form.json_schema.schema_, "response_format.json_schema.schema")


def json_format(schema: dict[str, Any], path: str) -> types_pb2.ResponseFormat:
    """The form of an answer under ``schema``."""
    return types_pb2.ResponseFormat(json_schema=types_pb2.JsonSchemaFormat(schema=struct(schema, path)))


def toolbox(
    tools: tuple[FunctionTool, ...] | None, choice: Choice | None, parallel: bool | None
) -> types_pb2.Toolbox | None:
    """The tools for the wire; None: there are none. Raises InvalidRequest where one is chosen of none."""
    if not tools:
        if choice not in (None, "none", "auto"):
            raise unsupported("tool_choice", "needs `tools`")
        return None
    found = [
        types_pb2.Tool(
            name=tool.function.name,
            description=tool.function.description or "",
            parameters=None
            if tool.function.parameters is None
            else struct(tool.function.parameters, f"tools[{place}].function.parameters"),
            strict=tool.function.strict,
        )
        for place, tool in enumerate(tools)
    ]
    return types_pb2.Toolbox(tools=found, choice=_choice(choice), parallel_calls=parallel)


def _choice(choice: Choice | None) -> types_pb2.ToolChoice | None:
    if choice is None:
        return None
    if isinstance(choice, str):
        return types_pb2.ToolChoice(mode=TOOL_MODES[choice])
    return types_pb2.ToolChoice(mode=types_pb2.TOOL_MODE_REQUIRED, name=choice.function.name)
