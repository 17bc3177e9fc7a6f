"""What a caller may ask of the router: headers ``x-upshift-…``, or an object ``upshift`` in the body.

Decides their names and how they become the constraints of the wire. Where both say something, the body holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from upshift.v1 import router_pb2, types_pb2

from router.errors import InvalidRequest, Violation

AUTO = "auto"
POLICY_PREFIX = "policy:"
_HEADER_PREFIX = "x-upshift-"
_USD_MICROS = 1_000_000
_PRIORITIES = {
    "low": types_pb2.PRIORITY_LOW,
    "normal": types_pb2.PRIORITY_NORMAL,
    "high": types_pb2.PRIORITY_HIGH,
}

Names = Annotated[tuple[str, ...], Field(max_length=256)]


class Wishes(BaseModel):
    """What the caller accepts beyond the policy's own rules; unset leaves it to the policy."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True
    )

    policy: str | None = None
    """Decide by this policy; `model: policy:NAME` says the same. Not as a header, which is an answer's."""
    tiers: Names = ()
    """Use only these tiers; `model: NAME` says the same of one."""
    min_confidence: float | None = Field(default=None, ge=0.0, le=1.0)
    """Least calibrated confidence to accept below the top tier."""
    max_cost_usd: float | None = Field(default=None, ge=0.0, le=1e6)
    """Most money for all attempts together."""
    max_attempts: int | None = Field(default=None, ge=1, le=1_000_000)
    """Most attempts."""
    local_only: bool = False
    """Keep the prompt on the server's machine."""
    redact: bool = False
    """Show tiers beyond that machine stand-ins for personal data."""
    tags: Names = ()
    """Labels that policies match on, such as `pii`."""
    tenant: str = ""
    """Who is asking, where a key stands for several."""
    priority: Literal["low", "normal", "high"] | None = None
    """Who goes first where requests wait for a tier."""

    def constraints(self, model: str) -> types_pb2.Constraints:
        """As the wire has them, for what the caller calls the ``model``."""
        policy, tiers = self.policy, self.tiers
        if model.startswith(POLICY_PREFIX):
            policy = model.removeprefix(POLICY_PREFIX)
        elif model != AUTO:
            tiers = (model,)
        cost = None if self.max_cost_usd is None else int(self.max_cost_usd * _USD_MICROS)
        return types_pb2.Constraints(
            min_confidence=self.min_confidence,
            max_cost_usd_micros=cost,
            max_attempt_count=self.max_attempts,
            allowed_tiers=tiers,
            local_only=self.local_only,
            redact=self.redact,
            policy=policy or "",
        )


# Headers of ours that mean something else than a wish.
_OTHERS = frozenset({"session", "timeout-s", "debug"})
# What answers are headed by; from outside it means nothing and is not looked at.
OUTBOUND = frozenset(
    {
        "request-id",
        "tier",
        "policy",
        "confidence",
        "certificate",
        "attempts",
        "cost-usd",
        "saved-usd",
        "overhead-ms",
        "reason",
        "path",
    }
)
_LISTS = ("tiers", "tags")


def wishes_of(headers: Mapping[str, str], body: Wishes | None) -> Wishes:
    """Join what both say. Raises InvalidRequest for a header that is not known or says nothing sensible."""
    found = {
        key.removeprefix(_HEADER_PREFIX): value
        for key, value in headers.items()
        if key.startswith(_HEADER_PREFIX)
    }
    asked = {
        name.replace("-", "_"): value
        for name, value in found.items()
        if name not in _OTHERS and name not in OUTBOUND
    }
    if not asked:
        return body or Wishes()
    sent: dict[str, Any] = dict(asked)
    for name in _LISTS:
        if name in sent:
            sent[name] = tuple(part.strip() for part in asked[name].split(",") if part.strip())
    try:
        wishes = Wishes.model_validate_strings(sent)
    except ValidationError as exc:
        raise InvalidRequest(tuple(_violations(exc))) from None
    return wishes if body is None else wishes.model_copy(update=body.model_dump(exclude_unset=True))


def _violations(error: ValidationError) -> list[Violation]:
    return [
        Violation(
            _HEADER_PREFIX + str(found["loc"][0]).replace("_", "-"),
            "HEADER_UNKNOWN" if found["type"] == "extra_forbidden" else "HEADER_INVALID",
            "is no header that is known here; leave it out"
            if found["type"] == "extra_forbidden"
            else f"is wrong: {found['msg']}",
        )
        for found in error.errors(include_input=False, include_url=False, include_context=False)
    ]


def asking(wishes: Wishes, model: str, prompt: types_pb2.Prompt) -> router_pb2.GenerateRequest:
    """The request as the wire has it."""
    return router_pb2.GenerateRequest(
        prompt=prompt,
        constraints=wishes.constraints(model),
        tags=wishes.tags,
        tenant=wishes.tenant,
        priority=types_pb2.PRIORITY_UNSPECIFIED if wishes.priority is None else _PRIORITIES[wishes.priority],
    )
