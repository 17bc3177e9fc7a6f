"""The RouterService API as data, from the side of one who asks: a prompt becomes a request.

Decides what of a request travels on to the next node: all that binds it. Names of tiers and policies
do not: each node has its own.
"""

from __future__ import annotations

import secrets

from upshift.v1 import router_pb2, types_pb2

from backends.types import (
    Caller,
    GrammarFormat,
    JsonSchemaFormat,
    Prompt,
    RegexFormat,
    ResponseFormat,
    Sampling,
    Terms,
)
from backends.upshift_node_tools import toolbox_message, turn_message

HOP_COUNT_KEY = "x-upshift-hop-count"
_SAMPLING = (
    "temperature",
    "top_p",
    "seed",
    "top_k",
    "min_p",
    "repetition_penalty",
    "presence_penalty",
    "frequency_penalty",
)
_MAX_REQUEST_ID_LENGTH = 128


def request_message(
    prompt: Prompt, *, output_limit: int, policy: str | None
) -> router_pb2.StreamGenerateRequest:
    """Translate ``prompt`` with its terms; what it leaves open stays open."""
    terms = prompt.terms
    return router_pb2.StreamGenerateRequest(
        prompt=types_pb2.Prompt(
            messages=[turn_message(turn) for turn in prompt.messages],
            sampling=_sampling(prompt.sampling, output_limit),
            response_format=None if prompt.response_format is None else _format(prompt.response_format),
            tools=None if prompt.tools is None else toolbox_message(prompt.tools),
        ),
        constraints=types_pb2.Constraints(
            min_confidence=terms.min_confidence,
            max_cost_usd_micros=terms.max_cost_usd_micros,
            max_attempt_count=terms.max_attempt_count,
            local_only=not prompt.clearance.may_leave,
            redact=bool(prompt.clearance.redact),
            policy=policy or "",
        ),
        tags=terms.tags,
        tenant=prompt.caller.tenant,
        priority=_priority(prompt.caller),
    )


def request_metadata(terms: Terms, key: str | None) -> tuple[tuple[str, str], ...]:
    """Make what travels beside the request: who asks, which trace it belongs to, how far it has come.

    A request may come to the same node twice, which wants a name of its own each time; the first part
    stays the same.
    """
    metadata = [(HOP_COUNT_KEY, str(terms.hop_count + 1))]
    if terms.request_id:
        suffix = f"-{secrets.token_hex(4)}"
        metadata.append(("x-request-id", terms.request_id[: _MAX_REQUEST_ID_LENGTH - len(suffix)] + suffix))
    if terms.traceparent:
        metadata.append(("traceparent", terms.traceparent))
    if key is not None:
        metadata.append(("authorization", f"Bearer {key}"))
    return tuple(metadata)


def _sampling(sampling: Sampling, output_limit: int) -> types_pb2.Sampling:
    plain = Sampling()
    said = {name: getattr(sampling, name) for name in _SAMPLING}
    changed = {name: value for name, value in said.items() if value != getattr(plain, name)}
    return types_pb2.Sampling(
        max_output_token_count=output_limit,
        stop=sampling.stop,
        top_logprob_count=sampling.top_logprob_count if sampling.logprobs else None,
        **changed,
    )


def _format(form: ResponseFormat) -> types_pb2.ResponseFormat:
    match form:
        case JsonSchemaFormat(schema):
            asked = types_pb2.JsonSchemaFormat()
            asked.schema.update(dict(schema))
            return types_pb2.ResponseFormat(json_schema=asked)
        case RegexFormat(pattern):
            return types_pb2.ResponseFormat(regex=types_pb2.RegexFormat(pattern=pattern))
        case GrammarFormat(grammar):
            return types_pb2.ResponseFormat(grammar=types_pb2.GrammarFormat(grammar=grammar))


def _priority(caller: Caller) -> types_pb2.Priority.ValueType:
    if caller.priority == 0:
        return types_pb2.PRIORITY_NORMAL
    return types_pb2.PRIORITY_HIGH if caller.priority > 0 else types_pb2.PRIORITY_LOW
