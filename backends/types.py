"""What models eat and give: the nouns that every room of the house shares.

Decides the shape of a prompt and of an answer as it streams in. Refuses to know what it costs, or
which library runs the model. All values are trusted here: they were checked where they entered.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from backends.tools import Toolbox, ToolCall


class Role(StrEnum):
    """Who wrote a message, under the names that chat templates use."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


@dataclass(frozen=True, slots=True)
class Image:
    """A picture as its file holds it; ``media_type`` is such as ``image/png``."""

    data: bytes = field(repr=False)
    media_type: str

    @property
    def data_url(self) -> str:
        """The picture as a ``data:`` address."""
        return f"data:{self.media_type};base64,{self.base64}"

    @property
    def base64(self) -> str:
        """Its bytes in base 64."""
        return b64encode(self.data).decode()


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation: its text, and pictures that stand before it.

    ``tool_calls`` are those that the assistant made, whose text may then be empty. A message of a tool is
    what came of the call ``tool_call_id``; ``is_error``: the tool failed, and the text says how.
    """

    role: Role
    content: str
    images: tuple[Image, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are drawn.

    ``temperature`` 0 is greedy. ``top_k`` None keeps all tokens; ``min_p`` drops those less probable
    than that share of the most probable one. ``repetition_penalty`` above 1 makes tokens of the
    prompt and the answer rarer, ``presence_penalty`` and ``frequency_penalty`` those of the answer.
    ``max_output_token_count`` None leaves the limit to the backend, ``seed`` None to chance. ``stop``
    strings end the answer and are not part of it. ``top_logprob_count`` asks for that many of the
    most probable tokens at every position, where the backend can tell; ``logprobs``: the caller
    wants them in the result.
    """

    temperature: float = 0.0
    top_p: float = 1.0
    max_output_token_count: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    top_k: int | None = None
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    top_logprob_count: int = 0
    logprobs: bool = False


@dataclass(frozen=True, slots=True)
class JsonSchemaFormat:
    """The answer must be a JSON value that ``schema`` accepts."""

    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RegexFormat:
    """The answer must match ``pattern`` (Python ``re`` syntax) as a whole."""

    pattern: str


@dataclass(frozen=True, slots=True)
class GrammarFormat:
    """The answer must be a sentence of ``grammar``, written as llama.cpp's GBNF; it starts at ``root``."""

    grammar: str


ResponseFormat = JsonSchemaFormat | RegexFormat | GrammarFormat


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, as far as a queue must know.

    Requests of higher ``priority`` run first; among equals the tenants share alike.
    """

    tenant: str = ""
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Terms:
    """What a request may still spend and where it comes from, for a backend that routes by itself.

    ``max_cost_usd_micros`` and ``max_attempt_count`` are what is left, ``min_confidence`` what the caller
    accepts; None: no limit. ``hop_count`` is how many routers have passed the request on before it came
    here; ``traceparent`` is W3C Trace Context's. ``session`` names the conversation; empty: it has no name.
    """

    min_confidence: float | None = None
    max_cost_usd_micros: int | None = None
    max_attempt_count: int | None = None
    tags: tuple[str, ...] = ()
    request_id: str = ""
    traceparent: str = ""
    hop_count: int = 0
    session: str = ""


@dataclass(frozen=True, slots=True)
class Clearance:
    """What of a prompt may leave this machine: nothing, until somebody who knows the rules says otherwise.

    ``may_leave``: backends that are external may be asked. ``redact`` names the kinds of personal data that
    stand-ins replace before.
    """

    may_leave: bool = False
    redact: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Prompt:
    """A conversation, how to draw the answer, the form it must have (None: free text), and for whom.

    ``tools`` are those that the answer may call, None: none; the form is that of an answer that calls none.
    ``clearance`` goes with every prompt that is made from this one; one made anew without it stays here.
    """

    messages: tuple[Message, ...]
    sampling: Sampling = field(default_factory=Sampling)
    response_format: ResponseFormat | None = None
    caller: Caller = field(default_factory=Caller)
    terms: Terms = field(default_factory=Terms)
    clearance: Clearance = field(default_factory=Clearance)
    tools: Toolbox | None = None

    @property
    def text(self) -> str:
        """The whole conversation as plain text, for features and estimates."""
        return "\n".join(message.content for message in self.messages)

    @property
    def uses_tools(self) -> bool:
        """Whether only a model that knows of tools can read it: there are some, or there were."""
        return self.tools is not None or any(m.tool_calls or m.role is Role.TOOL for m in self.messages)

    @property
    def image_count(self) -> int:
        """Pictures in the whole conversation."""
        return sum(len(message.images) for message in self.messages)


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """A generated token and how sure the model was of it.

    ``logprob`` and ``runner_up_logprob`` are natural logarithms of the model's own distribution
    (temperature 1, before any truncation; where the tier holds the answer to a form while it is written,
    over the tokens that the form allows); ``runner_up_logprob`` is that of the most probable
    *other* token, and ``entropy`` that of the distribution in nats. None: not offered. ``top`` holds
    the most probable tokens with their log-probabilities, best first, as many as were asked for or more.
    ``little_mass`` is the share of the token's experts, by the weights of their gates and over all layers,
    that a mixture computed from fewer bits than it has, 0 to 1; None: not told, as where none ever does.
    """

    text: str
    logprob: float
    runner_up_logprob: float | None = None
    entropy: float | None = None
    top: tuple[tuple[str, float], ...] = ()
    little_mass: float | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens read and written; output counts reasoning too.

    ``cached_input_token_count`` of the input tokens came from the provider's cache, where it says so.
    """

    input_token_count: int = 0
    output_token_count: int = 0
    cached_input_token_count: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input_token_count + other.input_token_count,
            self.output_token_count + other.output_token_count,
            self.cached_input_token_count + other.cached_input_token_count,
        )


class FinishReason(StrEnum):
    """Why a model stopped: at its own end or a stop string, cut by the token limit, or to call tools."""

    STOP = "stop"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of a streamed answer.

    ``text`` belongs to the answer, ``reasoning`` to what the model thinks before it. Either may
    be empty. ``tokens`` are the generated tokens that became certain with this piece, of both
    kinds, in order; empty where the backend gives no log-probabilities. ``tool_calls`` are those that became
    complete with it: a call is passed on whole, for half of one is of no use to anybody. ``piece_count`` is
    how many pieces came together in it: about as many tokens, where nothing else tells how many.
    """

    text: str = ""
    reasoning: str = ""
    tokens: tuple[TokenLogprob, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    piece_count: int = 1

    @property
    def is_empty(self) -> bool:
        """Whether it tells nothing but that the model is at work."""
        return not (self.text or self.reasoning or self.tokens or self.tool_calls)


@dataclass(frozen=True, slots=True)
class Completion:
    """The last item of every stream that ends well.

    ``cost_usd_micros`` is what the server itself says that the answer cost; None: its tier's price tells.
    ``stop_sequence`` is the stop string that ended it; None: none did, or the server does not tell.
    """

    finish_reason: FinishReason
    usage: Usage
    cost_usd_micros: int | None = None
    stop_sequence: str | None = None


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a started backend can do.

    ``context_token_count`` None: not known. ``external``: prompts leave this machine.
    ``json_schema``, ``regex``, ``grammar``: it enforces that form while it generates, not only afterwards.
    ``images``: it takes pictures. ``tools``: it can be given tools to call, and what came of the calls.
    """

    model: str
    context_token_count: int | None = None
    max_output_token_count: int = 1024
    logprobs: bool = False
    json_schema: bool = False
    regex: bool = False
    grammar: bool = False
    external: bool = False
    images: bool = False
    tools: bool = False
