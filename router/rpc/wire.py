"""Messages of the wire and nouns of the core, translated into each other.

Decides nothing: what may come in is decided in ``rules``, which run first. Seconds become
Durations, None becomes an unset field, and names of enums meet their numbers in one table each.
"""

from __future__ import annotations

from itertools import accumulate

from upshift.v1 import router_pb2, types_pb2

from backends.types import Caller, FinishReason, Prompt, Sampling, TokenLogprob, Usage
from backends.upshift_node_tools import call_message, token_message, turn_of
from router.events import (
    AttemptRejected,
    AttemptReport,
    AttemptStarted,
    Decided,
    EnergySource,
    EnergyUse,
    Event,
    Outcome,
    ProbeReport,
    Result,
    TextDelta,
    TierEstimate,
)
from router.request import Constraints, Request
from router.resilience.breaker import Circuit
from router.rpc.durations import duration
from router.rpc.formats import core_format
from router.rpc.load import load_message
from router.rpc.rules import Asking, Known, check_asking
from router.rpc.seam import Call
from router.rpc.tools import core_toolbox
from router.tiers import TierStatus

# Log-probabilities in a result; some 2 MB.
MAX_LOGPROB_COUNT = 65_536
# What a queue counts with; larger goes first.
PRIORITIES = {
    types_pb2.PRIORITY_UNSPECIFIED: 0,
    types_pb2.PRIORITY_LOW: -1,
    types_pb2.PRIORITY_NORMAL: 0,
    types_pb2.PRIORITY_HIGH: 1,
}
FINISH_REASONS = {
    FinishReason.STOP: types_pb2.FINISH_REASON_STOP,
    FinishReason.LENGTH: types_pb2.FINISH_REASON_LENGTH,
    FinishReason.TOOL_CALLS: types_pb2.FINISH_REASON_TOOL_CALLS,
}
CIRCUITS = {
    Circuit.CLOSED: router_pb2.CIRCUIT_STATE_CLOSED,
    Circuit.OPEN: router_pb2.CIRCUIT_STATE_OPEN,
    Circuit.HALF_OPEN: router_pb2.CIRCUIT_STATE_HALF_OPEN,
}
OUTCOMES = {
    Outcome.ACCEPTED: types_pb2.ATTEMPT_OUTCOME_ACCEPTED,
    Outcome.REJECTED: types_pb2.ATTEMPT_OUTCOME_REJECTED,
    Outcome.FAILED: types_pb2.ATTEMPT_OUTCOME_FAILED,
}
ENERGY_SOURCES = {
    EnergySource.MEASURED: types_pb2.ENERGY_SOURCE_MEASURED,
    EnergySource.MODELLED: types_pb2.ENERGY_SOURCE_MODELLED,
    EnergySource.MIXED: types_pb2.ENERGY_SOURCE_MIXED,
}


def core_request(message: Asking, call: Call, known: Known) -> Request:
    """Check ``message`` and translate it. Raises InvalidRequest with every violation, or PermissionDenied."""
    tenant = call.tenant(message.tenant)
    check_asking(message, known, call.session)
    return Request(
        id=call.request_id,
        prompt=_prompt(message.prompt, Caller(tenant, PRIORITIES[message.priority])),
        constraints=_constraints(message.constraints),
        tags=frozenset(message.tags),
        tenant=tenant,
        timeout_s=call.timeout_s,
        allow_retraction=getattr(message, "allow_retraction", False),
        traceparent=call.traceparent,
        hop_count=call.hop_count,
        session=call.session,
    )


def _prompt(prompt: types_pb2.Prompt, caller: Caller) -> Prompt:
    return Prompt(
        messages=tuple(turn_of(turn) for turn in prompt.messages),
        sampling=_sampling(prompt.sampling) if prompt.HasField("sampling") else Sampling(),
        response_format=core_format(prompt.response_format) if prompt.HasField("response_format") else None,
        caller=caller,
        tools=core_toolbox(prompt.tools) if prompt.HasField("tools") else None,
    )


def _sampling(sampling: types_pb2.Sampling) -> Sampling:
    limited = sampling.HasField("max_output_token_count")
    return Sampling(
        temperature=sampling.temperature,
        top_p=sampling.top_p if sampling.HasField("top_p") else 1.0,
        max_output_token_count=sampling.max_output_token_count if limited else None,
        stop=tuple(sampling.stop),
        seed=sampling.seed if sampling.HasField("seed") else None,
        top_k=sampling.top_k if sampling.HasField("top_k") else None,
        min_p=sampling.min_p,
        repetition_penalty=sampling.repetition_penalty if sampling.HasField("repetition_penalty") else 1.0,
        presence_penalty=sampling.presence_penalty,
        frequency_penalty=sampling.frequency_penalty,
        top_logprob_count=sampling.top_logprob_count,
        logprobs=sampling.HasField("top_logprob_count"),
    )


def _constraints(message: types_pb2.Constraints) -> Constraints:
    has = message.HasField
    return Constraints(
        min_confidence=message.min_confidence if has("min_confidence") else None,
        max_cost_usd_micros=message.max_cost_usd_micros if has("max_cost_usd_micros") else None,
        max_attempt_count=message.max_attempt_count if has("max_attempt_count") else None,
        allowed_tiers=frozenset(message.allowed_tiers),
        local_only=message.local_only,
        redact=message.redact,
        policy=message.policy or None,
    )


def event_message(event: Event) -> router_pb2.StreamGenerateResponse:
    """Translate one event of a stream."""
    match event:
        case TextDelta():
            delta = router_pb2.TextDelta(attempt_number=event.number, text=event.text)
            return router_pb2.StreamGenerateResponse(text_delta=delta)
        case Result():
            return router_pb2.StreamGenerateResponse(result=result_message(event))
        case Decided():
            return router_pb2.StreamGenerateResponse(decision=decision_message(event))
        case AttemptStarted():
            started = router_pb2.AttemptStarted(
                attempt_number=event.number, tier=event.tier, reason=event.reason
            )
            return router_pb2.StreamGenerateResponse(attempt_started=started)
        case AttemptRejected():
            rejected = router_pb2.AttemptRejected(
                attempt_number=event.number, reason=event.reason, confidence=event.confidence
            )
            return router_pb2.StreamGenerateResponse(attempt_rejected=rejected)


def decision_message(decided: Decided) -> types_pb2.Decision:
    """Translate a decision."""
    return types_pb2.Decision(
        policy=decided.policy,
        tier=decided.tier,
        reason=decided.reason,
        estimates=[_estimate_message(estimate) for estimate in decided.estimates],
        features=decided.features,
    )


def _estimate_message(estimate: TierEstimate) -> types_pb2.TierEstimate:
    return types_pb2.TierEstimate(
        tier=estimate.tier,
        predicted_quality=estimate.quality,
        predicted_cost_usd_micros=estimate.cost_usd_micros,
        exclusion_reason=estimate.exclusion_reason or "",
        predicted_latency_cost_usd_micros=estimate.latency_cost_usd_micros,
        predicted_energy_cost_usd_micros=estimate.energy_cost_usd_micros,
    )


def result_message(result: Result) -> types_pb2.Result:
    """Translate an answer and its account."""
    return types_pb2.Result(
        request_id=result.request_id,
        text=result.text,
        reasoning=result.reasoning,
        tier=result.tier,
        policy=result.policy,
        confidence=result.confidence,
        reason=result.reason,
        finish_reason=FINISH_REASONS[result.finish_reason],
        attempt_number=result.attempt_number,
        attempts=[_attempt_message(report) for report in result.attempts],
        usage=_usage_message(result.usage),
        cost_usd_micros=result.cost_usd_micros,
        latency=duration(result.latency_s),
        certificate_id=result.certificate_id or "",
        energy=None if result.energy is None else _energy_message(result.energy),
        skipped_tiers=result.skipped,
        tool_calls=[call_message(call) for call in result.tool_calls],
        tokens=[token_message(token, len(token.top)) for token in _bounded(result.tokens)],
    )


def _bounded(tokens: tuple[TokenLogprob, ...]) -> tuple[TokenLogprob, ...]:
    """As many of the first tokens as the wire takes."""
    counts = accumulate(1 + len(token.top) for token in tokens)
    return tokens[: sum(1 for count in counts if count <= MAX_LOGPROB_COUNT)]


def _attempt_message(report: AttemptReport) -> types_pb2.Attempt:
    first_s = report.time_to_first_token_s
    return types_pb2.Attempt(
        attempt_number=report.number,
        tier=report.tier,
        outcome=OUTCOMES[report.outcome],
        reason=report.reason,
        confidence=report.confidence,
        signals=report.signals,
        usage=_usage_message(report.usage),
        cost_usd_micros=report.cost_usd_micros,
        latency=duration(report.latency_s),
        time_to_first_token=None if first_s is None else duration(first_s),
        probes=[_probe_message(probe) for probe in report.probes],
        energy=None if report.energy is None else _energy_message(report.energy),
    )


def _energy_message(energy: EnergyUse) -> types_pb2.Energy:
    return types_pb2.Energy(
        joules=energy.joules, source=ENERGY_SOURCES[energy.source], carbon_grams=energy.carbon_g
    )


def _probe_message(probe: ProbeReport) -> types_pb2.Probe:
    return types_pb2.Probe(
        name=probe.name,
        tier=probe.tier,
        outcome=probe.outcome,
        usage=_usage_message(probe.usage),
        cost_usd_micros=probe.cost_usd_micros,
        latency=duration(probe.latency_s),
    )


def _usage_message(usage: Usage) -> types_pb2.Usage:
    return types_pb2.Usage(
        input_token_count=usage.input_token_count,
        output_token_count=usage.output_token_count,
        cached_input_token_count=usage.cached_input_token_count,
    )


def tier_message(status: TierStatus) -> router_pb2.Tier:
    """Translate the state of a tier."""
    health = status.health
    is_available = status.ready and health.circuit is not Circuit.OPEN
    return router_pb2.Tier(
        name=status.name,
        backend=status.backend,
        model=status.model,
        state=router_pb2.TIER_STATE_READY if is_available else router_pb2.TIER_STATE_UNAVAILABLE,
        local=not status.external,
        logprobs=status.logprobs,
        context_token_count=status.context_token_count or 0,
        input_price_usd_micros=status.input_price_usd_micros_per_million,
        output_price_usd_micros=status.output_price_usd_micros_per_million,
        in_flight_count=status.in_flight_count,
        queued_count=status.queued_count,
        circuit_state=CIRCUITS[health.circuit],
        reopen_delay=duration(health.reopens_in_s) if health.reopens_in_s else None,
        concurrency_limit=health.concurrency_limit,
        expected_wait=duration(health.expected_wait_s),
        opened_count=health.opened_count,
        retry_count=health.retry_count,
        hedge_count=health.hedge_count,
        turned_away_count=health.turned_away_count,
        load=None if status.load is None else load_message(status.load),
        tools=status.tools,
        images=status.images,
    )
