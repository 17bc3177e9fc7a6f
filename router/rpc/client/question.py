"""How applications ask: plain arguments, turned into the messages of the wire.

Decides the names of the arguments and their units. Refuses to check values: the server does, and
says everything that is wrong at once.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal, TypedDict, TypeVar

from google.protobuf.message import Message as ProtoMessage
from upshift.v1 import types_pb2

from backends.tools import Tool, Toolbox, ToolChoice, ToolMode
from backends.types import Message, Role
from backends.upshift_node_tools import ROLES, toolbox_message, turn_message
from router.rpc.names import AUTHORIZATION_KEY, REQUEST_ID_KEY, SESSION_KEY
from router.rpc.rules import Asking

A = TypeVar("A", bound=Asking)

Question = str | Sequence[Message | Mapping[str, str]]
"""The user's text, or a conversation; a mapping is ``{"role": "user", "content": "..."}``, without calls."""

_ROLE_NUMBERS = {role.value: number for number, role in ROLES.items()}
_SAMPLING = {
    "temperature": "temperature",
    "top_p": "top_p",
    "max_output_tokens": "max_output_token_count",
    "seed": "seed",
    "top_k": "top_k",
    "min_p": "min_p",
    "repetition_penalty": "repetition_penalty",
    "presence_penalty": "presence_penalty",
    "frequency_penalty": "frequency_penalty",
    "top_logprobs": "top_logprob_count",
}
_PRIORITIES = {
    "low": types_pb2.PRIORITY_LOW,
    "normal": types_pb2.PRIORITY_NORMAL,
    "high": types_pb2.PRIORITY_HIGH,
}
_CONSTRAINTS = {
    "min_confidence": "min_confidence",
    "max_attempts": "max_attempt_count",
    "local_only": "local_only",
    "redact": "redact",
    "policy": "policy",
}


class Options(TypedDict, total=False):
    """What may be said beside the question; what is left out, or None, is up to the server.

    ``system``: instructions before the conversation. ``schema``: the answer is JSON under this JSON
    Schema; ``regex``: it matches this pattern of Python's ``re`` as a whole; ``grammar``: it is a
    sentence of this grammar in llama.cpp's GBNF. ``temperature``, ``top_p``, ``top_k``, ``min_p``,
    ``max_output_tokens``, ``stop``, ``seed`` and the penalties: how tokens are drawn.

    ``tools``: what the answer may call; ``tool_choice``: ``auto``, ``none``, ``required``, or a tool's name;
    ``parallel_tool_calls``: whether several at once. ``top_logprobs``: the answer's tokens come with their
    log-probabilities and those of so many of the most probable ones, 0 to 20.

    ``min_confidence``: least calibrated confidence below the top tier, in [0, 1]. ``max_cost_usd``,
    ``max_attempts``: the most that all attempts together may take. ``tiers``: names of those that may
    be used. ``local_only``: the question must not leave the server's machine; ``redact``: only
    with stand-ins for personal data. ``policy``: its name.
    ``tags``, ``tenant``: what policies match on. ``priority``: ``low``, ``normal`` or ``high``, for
    tiers where requests wait.

    ``timeout_s``: the call's deadline in seconds. ``request_id``: names the request; unset: the
    server does. ``session``: names the conversation, which keeps its tier. ``allow_retraction``: a stream
    may send text before it is trusted.
    """

    system: str | None
    schema: Mapping[str, Any] | None
    regex: str | None
    grammar: str | None
    temperature: float | None
    top_p: float | None
    max_output_tokens: int | None
    stop: Sequence[str]
    seed: int | None
    top_k: int | None
    min_p: float | None
    repetition_penalty: float | None
    presence_penalty: float | None
    frequency_penalty: float | None
    top_logprobs: int | None
    tools: Sequence[Tool]
    tool_choice: str | None
    parallel_tool_calls: bool | None
    min_confidence: float | None
    max_cost_usd: float | None
    max_attempts: int | None
    tiers: Collection[str]
    local_only: bool
    redact: bool
    policy: str | None
    tags: Collection[str]
    tenant: str
    priority: Literal["low", "normal", "high"]
    timeout_s: float | None
    request_id: str | None
    session: str | None
    allow_retraction: bool


def asking(kind: type[A], question: Question, options: Options) -> A:
    """Build a message of ``kind``. Raises TypeError for options that there are not."""
    if unknown := sorted(options.keys() - Options.__annotations__.keys()):
        known = ", ".join(Options.__annotations__)
        raise TypeError(f"no option is called {unknown[0]!r}; there are: {known}")
    message = kind(
        tags=options.get("tags", ()),
        tenant=options.get("tenant", ""),
        priority=_PRIORITIES[options.get("priority", "normal")],
    )
    _fill_prompt(message.prompt, question, options)
    _fill_constraints(message.constraints, options)
    if options.get("allow_retraction"):
        message.allow_retraction = True  # type: ignore[union-attr]
    return message


Metadata = tuple[tuple[str, str], ...]


def authorization(key: str | None) -> Metadata:
    """Give the metadata that shows ``key``; None: there is none to show."""
    return () if key is None else ((AUTHORIZATION_KEY, f"Bearer {key}"),)


def call_arguments(options: Options, metadata: Metadata = ()) -> dict[str, Any]:
    """Give the deadline and the metadata of the call, as stubs take them; ``metadata`` is every call's."""
    for key, name in ((REQUEST_ID_KEY, options.get("request_id")), (SESSION_KEY, options.get("session"))):
        if name:
            metadata = (*metadata, (key, name))
    return {"timeout": options.get("timeout_s"), "metadata": metadata or None}


def _fill_prompt(prompt: types_pb2.Prompt, question: Question, options: Options) -> None:
    if system := options.get("system"):
        prompt.messages.add(role=types_pb2.ROLE_SYSTEM, content=system)
    for turn in (Message(Role.USER, question),) if isinstance(question, str) else question:
        if isinstance(turn, Message):
            prompt.messages.append(turn_message(turn))
        else:
            role = _ROLE_NUMBERS.get(turn["role"], types_pb2.ROLE_UNSPECIFIED)
            prompt.messages.add(role=role, content=turn["content"])
    _set(prompt.sampling, _SAMPLING, options)
    prompt.sampling.stop.extend(options.get("stop", ()))
    if (schema := options.get("schema")) is not None:
        prompt.response_format.json_schema.schema.SetInParent()
        prompt.response_format.json_schema.schema.update(schema)
    if (regex := options.get("regex")) is not None:
        prompt.response_format.regex.pattern = regex
    if (grammar := options.get("grammar")) is not None:
        prompt.response_format.grammar.grammar = grammar
    if tools := options.get("tools"):
        choice, parallel = _tool_choice(options.get("tool_choice")), options.get("parallel_tool_calls")
        prompt.tools.CopyFrom(toolbox_message(Toolbox(tuple(tools), choice, parallel)))


def _tool_choice(said: str | None) -> ToolChoice:
    """Read a mode, or the name of a tool; one that is called as a mode is can be named only on the wire."""
    if said is None or said in set(ToolMode):
        return ToolChoice(ToolMode(said or ToolMode.AUTO))
    return ToolChoice(ToolMode.REQUIRED, said)


def _fill_constraints(constraints: types_pb2.Constraints, options: Options) -> None:
    _set(constraints, _CONSTRAINTS, options)
    constraints.allowed_tiers.extend(options.get("tiers", ()))
    if (dollars := options.get("max_cost_usd")) is not None:
        constraints.max_cost_usd_micros = round(dollars * 1e6)


def _set(target: ProtoMessage, names: Mapping[str, str], options: Options) -> None:
    for name, field in names.items():
        if (value := options.get(name)) is not None:
            setattr(target, field, value)
