"""What the loop tells while it works; the wire, the journal and the command line listen.

Every request gives: one Decided; then attempts, each with AttemptStarted, TextDeltas, and
AttemptRejected where it is void; and last exactly one Result, complete in itself. A request that
fails raises instead of its Result. Calls of tools are in the Result alone, complete, and so are tokens with
their log-probabilities: who acts on half a call, or on a call that is voided, has acted wrongly.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from backends.tools import ToolCall
from backends.types import FinishReason, TokenLogprob, Usage


@dataclass(frozen=True, slots=True)
class TierEstimate:
    """What is predicted of a tier before it runs; ``exclusion_reason`` None: it may be used.

    ``cost_usd_micros`` is money; what waiting and energy cost by the policy's weights is beside it.
    ``input_token_count`` is what the prompt takes there: counted where the tier can count, else estimated.
    """

    tier: str
    quality: float
    cost_usd_micros: float
    exclusion_reason: str | None = None
    latency_cost_usd_micros: float = 0.0
    energy_cost_usd_micros: float = 0.0
    input_token_count: int = 0


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
    """A piece of an attempt's answer.

    ``tokens`` are those generated since the piece before, reasoning included, where text is shown as it comes
    and the tier gives log-probabilities.
    """

    number: int
    text: str
    tokens: tuple[TokenLogprob, ...] = ()


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
class ProbeReport:
    """The account of one probe: model calls about an answer, all to ``tier``.

    ``outcome`` is a stable word: ``measured``, ``silent`` where the calls told nothing, ``cancelled``.
    """

    name: str
    tier: str
    outcome: str
    usage: Usage
    cost_usd_micros: int
    latency_s: float


class EnergySource(StrEnum):
    """Where a figure of energy comes from: the machine's meters, what is stated of a tier, or both."""

    MEASURED = "measured"
    MODELLED = "modelled"
    MIXED = "mixed"


@dataclass(frozen=True, slots=True)
class EnergyUse:
    """Energy that was spent, in joules; ``carbon_g`` of carbon dioxide, None: nobody said how dirty it is."""

    joules: float
    source: EnergySource
    carbon_g: float | None = None


@dataclass(frozen=True, slots=True)
class AttemptReport:
    """The account of one attempt. ``time_to_first_token_s`` None: there was no token.

    ``cost_usd_micros`` is that of its answer and of the ``probes`` into it; ``usage`` and
    ``latency_s`` are the answer's own. ``energy`` None: nobody knows.
    """

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
    probes: tuple[ProbeReport, ...] = ()
    energy: EnergyUse | None = None

    @property
    def total_usage(self) -> Usage:
        """Tokens of the answer and of all probes into it."""
        return sum((probe.usage for probe in self.probes), self.usage)

    @property
    def answer_cost_usd_micros(self) -> int:
        """Cost of the answer alone."""
        return self.cost_usd_micros - sum(probe.cost_usd_micros for probe in self.probes)


@dataclass(frozen=True, slots=True)
class Result:
    """The answer and its account; sums run over all attempts and probes.

    ``certificate_id`` names the certificate that the answer was chosen under; None: none covers it.
    ``energy`` is that of the attempts of which it is known, None: of none.
    ``skipped`` says by name why tiers of the ladder could not be asked: ``not_ready``, ``circuit_open``.
    ``tool_calls`` are what the answer calls beside or instead of its text. ``tokens`` are the generated
    tokens, reasoning included, where the prompt asks for log-probabilities and the tier gives them.
    ``stop_sequence`` is the stop string that ended the answer; None: none did, or its tier does not tell.
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
    energy: EnergyUse | None = None
    skipped: Mapping[str, str] = field(default_factory=dict)
    tool_calls: tuple[ToolCall, ...] = ()
    tokens: tuple[TokenLogprob, ...] = ()
    stop_sequence: str | None = None


Event = Decided | AttemptStarted | TextDelta | AttemptRejected | Result
