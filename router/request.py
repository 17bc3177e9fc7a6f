"""What the core is asked: a checked prompt and what the caller will accept.

Knows neither gRPC nor HTTP; a deadline is a value. Everything here was validated at the edge.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from backends.types import Prompt


@dataclass(frozen=True, slots=True)
class Constraints:
    """What the caller will accept beyond the policy's own rules.

    None leaves a value to the policy; empty ``allowed_tiers`` means all that the policy allows;
    ``policy`` None picks the first policy whose match rule fits. ``local_only``: the prompt must not leave
    this machine; ``redact``: stand-ins replace personal data before it does.
    """

    min_confidence: float | None = None
    max_cost_usd_micros: int | None = None
    max_attempt_count: int | None = None
    allowed_tiers: frozenset[str] = frozenset()
    local_only: bool = False
    redact: bool = False
    policy: str | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """One request.

    ``timeout_s`` is what was left to its deadline when it arrived; None: none set. ``traceparent`` names
    the trace that it belongs to, and ``hop_count`` says how many nodes have passed it on; a tier that is
    another node is told of both. ``is_traced``: ``traceparent`` is of a span of this node's own.
    ``session`` is what the caller calls the conversation that it belongs to; empty: it does not say.
    """

    id: str
    prompt: Prompt
    constraints: Constraints = field(default_factory=Constraints)
    tags: frozenset[str] = frozenset()
    tenant: str = ""
    timeout_s: float | None = None
    allow_retraction: bool = False
    traceparent: str = ""
    hop_count: int = 0
    is_traced: bool = False
    session: str = ""
