"""How applications ask: plain arguments, turned into the messages of the wire.

Decides the names of the arguments and their units. Refuses to check values: the server does, and
says everything that is wrong at once.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal, TypedDict, TypeVar

from google.protobuf.message import Message as ProtoMessage
from upshift.v1 import types_pb2

from backends.types import Message, Role
from router.rpc.names import AUTHORIZATION_KEY, REQUEST_ID_KEY
from router.rpc.rules import Asking
from router.rpc.wire import ROLES

A = TypeVar("A", bound=Asking)

Question = str | Sequence[Message | Mapping[str, str]]
"""The user's text, or a conversation; a mapping is ``{"role": "user", "content": "..."}``."""

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

    ``min_confidence``: least calibrated confidence below the top tier, in [0, 1]. ``max_cost_usd``,
    ``max_attempts``: the most that all attempts together may take. ``tiers``: names of those that may
    be used. ``local_only``: the question must not leave the server's machine; ``redact``: only
    with stand-ins for personal data. ``policy``: its name.
    ``tags``, ``tenant``: what policies match on. ``priority``: ``low``, ``normal`` or ``high``, for
    tiers where requests wait.

    ``timeout_s``: the call's deadline in seconds. ``request_id``: names the request; unset: the
    server does. ``allow_retraction``: a stream may send text before it is trusted.
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
    if request_id := options.get("request_id"):
        metadata = (*metadata, (REQUEST_ID_KEY, request_id))
    return {"timeout": options.get("timeout_s"), "metadata": metadata or None}


def _fill_prompt(prompt: types_pb2.Prompt, question: Question, options: Options) -> None:
    if system := options.get("system"):
        prompt.messages.add(role=types_pb2.ROLE_SYSTEM, content=system)
    for turn in (Message(Role.USER, question),) if isinstance(question, str) else question:
        said = {"role": turn.role, "content": turn.content} if isinstance(turn, Message) else turn
        role = _ROLE_NUMBERS.get(said["role"], types_pb2.ROLE_UNSPECIFIED)
        prompt.messages.add(role=role, content=said["content"])
    _set(prompt.sampling, _SAMPLING, options)
    prompt.sampling.stop.extend(options.get("stop", ()))
    if (schema := options.get("schema")) is not None:
        prompt.response_format.json_schema.schema.SetInParent()
        prompt.response_format.json_schema.schema.update(schema)
    if (regex := options.get("regex")) is not None:
        prompt.response_format.regex.pattern = regex
    if (grammar := options.get("grammar")) is not None:
        prompt.response_format.grammar.grammar = grammar


def _fill_constraints(constraints: types_pb2.Constraints, options: Options) -> None:
    _set(constraints, _CONSTRAINTS, options)
    constraints.allowed_tiers.extend(options.get("tiers", ()))
    if (dollars := options.get("max_cost_usd")) is not None:
        constraints.max_cost_usd_micros = round(dollars * 1e6)


def _set(target: ProtoMessage, names: Mapping[str, str], options: Options) -> None:
    for name, field in names.items():
        if (value := options.get(name)) is not None:
            setattr(target, field, value)
