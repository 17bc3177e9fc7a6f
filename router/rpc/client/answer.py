"""What applications get: plain values, read from the messages of the wire."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from upshift.v1 import router_pb2, types_pb2

from backends.tools import ToolCall
from backends.types import FinishReason, TokenLogprob, Usage
from backends.upshift_node_tools import call_of, token_of
from router.events import (
    AttemptRejected,
    AttemptReport,
    AttemptStarted,
    Decided,
    EnergySource,
    EnergyUse,
    Outcome,
    ProbeReport,
    TextDelta,
    TierEstimate,
)
from router.resilience.breaker import Circuit
from router.resilience.guard import Health
from router.rpc.durations import seconds
from router.rpc.load import load_of
from router.rpc.wire import CIRCUITS, ENERGY_SOURCES, FINISH_REASONS, OUTCOMES
from router.tiers import TierStatus

_FINISH_REASONS: dict[int, FinishReason] = {number: reason for reason, number in FINISH_REASONS.items()}
_ENERGY_SOURCES: dict[int, EnergySource] = {number: source for source, number in ENERGY_SOURCES.items()}
_OUTCOMES: dict[int, Outcome] = {number: outcome for outcome, number in OUTCOMES.items()}
_CIRCUITS: dict[int, Circuit] = {number: circuit for circuit, number in CIRCUITS.items()}


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer and its account.

    ``confidence``: calibrated probability in [0, 1] that it is acceptable, None where none could be
    had. ``usage``, ``cost_usd``: of all ``attempts`` together. ``attempt_number``: the one that it
    comes from, from 1. ``latency_s``: measured by the server. ``certificate_id``: the certificate that
    it was chosen under, None where none covers it. ``energy``: of the attempts of which it is known.
    ``skipped``: why tiers of the ladder could not be asked. ``tool_calls``: what the answer calls, beside or
    instead of its text. ``tokens``: where log-probabilities were asked for and the tier gives them.
    """

    text: str
    tier: str
    confidence: float | None
    cost_usd: float
    attempts: tuple[AttemptReport, ...]
    request_id: str
    latency_s: float
    reasoning: str
    policy: str
    reason: str
    finish_reason: FinishReason
    attempt_number: int
    usage: Usage
    certificate_id: str | None = None
    energy: EnergyUse | None = None
    skipped: Mapping[str, str] = field(default_factory=dict)
    tool_calls: tuple[ToolCall, ...] = ()
    tokens: tuple[TokenLogprob, ...] = ()

    def json(self) -> Any:
        """Read the text as JSON, for questions with a schema. Raises json.JSONDecodeError."""
        return json.loads(self.text)


StreamEvent = Decided | AttemptStarted | TextDelta | AttemptRejected | Answer


def answer(result: types_pb2.Result) -> Answer:
    """Read a result."""
    return Answer(
        text=result.text,
        tier=result.tier,
        confidence=_confidence(result),
        cost_usd=result.cost_usd_micros / 1e6,
        attempts=tuple(_report(attempt) for attempt in result.attempts),
        request_id=result.request_id,
        latency_s=seconds(result.latency),
        reasoning=result.reasoning,
        policy=result.policy,
        reason=result.reason,
        finish_reason=_FINISH_REASONS.get(result.finish_reason, FinishReason.STOP),
        attempt_number=result.attempt_number,
        usage=_usage(result.usage),
        certificate_id=result.certificate_id or None,
        energy=_energy(result),
        skipped=dict(result.skipped_tiers),
        tool_calls=tuple(call_of(call) for call in result.tool_calls),
        tokens=tuple(token_of(token) for token in result.tokens),
    )


def stream_event(message: router_pb2.StreamGenerateResponse) -> StreamEvent | None:
    """Read an event; None: of a kind that this client does not know yet."""
    match message.WhichOneof("event"):
        case "text_delta":
            return TextDelta(message.text_delta.attempt_number, message.text_delta.text)
        case "result":
            return answer(message.result)
        case "decision":
            return decided(message.decision)
        case "attempt_started":
            started = message.attempt_started
            return AttemptStarted(started.attempt_number, started.tier, started.reason)
        case "attempt_rejected":
            rejected = message.attempt_rejected
            return AttemptRejected(rejected.attempt_number, rejected.reason, _confidence(rejected))
    return None


def decided(decision: types_pb2.Decision) -> Decided:
    """Read a decision."""
    estimates = tuple(
        TierEstimate(
            estimate.tier,
            estimate.predicted_quality,
            estimate.predicted_cost_usd_micros,
            estimate.exclusion_reason or None,
            estimate.predicted_latency_cost_usd_micros,
            estimate.predicted_energy_cost_usd_micros,
        )
        for estimate in decision.estimates
    )
    return Decided(decision.policy, decision.tier, decision.reason, estimates, dict(decision.features))


def tier_status(tier: router_pb2.Tier) -> TierStatus:
    """Read the state of a tier."""
    return TierStatus(
        name=tier.name,
        backend=tier.backend,
        model=tier.model,
        ready=tier.state == router_pb2.TIER_STATE_READY,
        external=not tier.local,
        logprobs=tier.logprobs,
        context_token_count=tier.context_token_count or None,
        input_price_usd_micros_per_million=tier.input_price_usd_micros,
        output_price_usd_micros_per_million=tier.output_price_usd_micros,
        in_flight_count=tier.in_flight_count,
        queued_count=tier.queued_count,
        health=_health(tier),
        load=load_of(tier),
        tools=tier.tools,
        images=tier.images,
    )


def _health(tier: router_pb2.Tier) -> Health:
    return Health(
        circuit=_CIRCUITS.get(tier.circuit_state, Circuit.CLOSED),
        reopens_in_s=seconds(tier.reopen_delay),
        concurrency_limit=tier.concurrency_limit,
        expected_wait_s=seconds(tier.expected_wait),
        opened_count=tier.opened_count,
        retry_count=tier.retry_count,
        hedge_count=tier.hedge_count,
        turned_away_count=tier.turned_away_count,
    )


def _report(attempt: types_pb2.Attempt) -> AttemptReport:
    has_first = attempt.HasField("time_to_first_token")
    return AttemptReport(
        number=attempt.attempt_number,
        tier=attempt.tier,
        outcome=_OUTCOMES.get(attempt.outcome, Outcome.FAILED),
        reason=attempt.reason,
        confidence=_confidence(attempt),
        signals=dict(attempt.signals),
        usage=_usage(attempt.usage),
        cost_usd_micros=attempt.cost_usd_micros,
        latency_s=seconds(attempt.latency),
        time_to_first_token_s=seconds(attempt.time_to_first_token) if has_first else None,
        probes=tuple(_probe(probe) for probe in attempt.probes),
        energy=_energy(attempt),
    )


def _energy(message: types_pb2.Result | types_pb2.Attempt) -> EnergyUse | None:
    if not message.HasField("energy"):
        return None
    energy = message.energy
    source = _ENERGY_SOURCES.get(energy.source, EnergySource.MODELLED)
    return EnergyUse(energy.joules, source, energy.carbon_grams if energy.HasField("carbon_grams") else None)


def _probe(probe: types_pb2.Probe) -> ProbeReport:
    return ProbeReport(
        name=probe.name,
        tier=probe.tier,
        outcome=probe.outcome,
        usage=_usage(probe.usage),
        cost_usd_micros=probe.cost_usd_micros,
        latency_s=seconds(probe.latency),
    )


def _confidence(message: types_pb2.Result | types_pb2.Attempt | router_pb2.AttemptRejected) -> float | None:
    return message.confidence if message.HasField("confidence") else None


def _usage(usage: types_pb2.Usage) -> Usage:
    return Usage(usage.input_token_count, usage.output_token_count, usage.cached_input_token_count)
