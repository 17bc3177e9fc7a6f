"""What the loop tells while it works; the wire, the journal and the command line listen.

Every request gives: one Decided; then attempts, each with AttemptStarted, TextDeltas, and
AttemptRejected where it is void; and last exactly one Result, complete in itself. A request that
fails raises instead of its Result.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from backends.types import FinishReason, Usage


@dataclass(frozen=True, slots=True)
class TierEstimate:
    """What is predicted of a tier before it runs; ``exclusion_reason`` None: it may be used.

    ``cost_usd_micros`` is money; what waiting and energy cost by the policy's weights is beside it.
    """

    tier: str
    quality: float
    cost_usd_micros: float
    exclusion_reason: str | None = None
    latency_cost_usd_micros: float = 0.0
    energy_cost_usd_micros: float = 0.0


@dataclass(frozen=True, slots=True)
class Decided:
    """The first decision and its grounds. ``estimates`` cover the policy's ladder, cheapest first."""

    policy: str
    tier: str
    reason: str
    estimates: tuple[TierEstimate, ...]
    features: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AttemptStarted:
    """A tier starts; ``number`` counts from 1."""

    number: int
    tier: str
    reason: str


@dataclass(frozen=True, slots=True)
class TextDelta:
    """A piece of an attempt's answer."""

    number: int
    text: str


@dataclass(frozen=True, slots=True)
class AttemptRejected:
    """The attempt is void, and so is any text sent for it so far."""

    number: int
    reason: str
    confidence: float | None = None


class Outcome(StrEnum):
    """What became of an attempt."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class AttemptReport:
    """The account of one attempt. ``time_to_first_token_s`` None: there was no token."""

    number: int
    tier: str
    outcome: Outcome
    reason: str
    confidence: float | None
    signals: Mapping[str, float]
    usage: Usage
    cost_usd_micros: int
    latency_s: float
    time_to_first_token_s: float | None


@dataclass(frozen=True, slots=True)
class Result:
    """The answer and its account; sums run over all attempts.

    ``certificate_id`` names the certificate that the answer was chosen under; None: none covers it.
    """

    request_id: str
    text: str
    reasoning: str
    tier: str
    policy: str
    confidence: float | None
    reason: str
    finish_reason: FinishReason
    attempt_number: int
    attempts: tuple[AttemptReport, ...]
    usage: Usage
    cost_usd_micros: int
    latency_s: float
    certificate_id: str | None = None


Event = Decided | AttemptStarted | TextDelta | AttemptRejected | Result
