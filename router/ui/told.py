"""The core's events as JSON for the playground."""

from __future__ import annotations

from math import exp
from typing import Any

from router.events import (
    AttemptRejected,
    AttemptReport,
    AttemptStarted,
    Decided,
    Event,
    Result,
    TextDelta,
)
from router.grounds import decision_object


def told(event: Event) -> dict[str, Any]:
    """Write one event; money in US dollars, times in seconds."""
    match event:
        case TextDelta():
            probabilities = [round(exp(token.logprob), 4) for token in event.tokens]
            return {
                "event": "text",
                "number": event.number,
                "text": event.text,
                "probabilities": probabilities,
            }
        case AttemptStarted():
            return {
                "event": "started",
                "number": event.number,
                "tier": event.tier,
                "reason": event.reason,
            }
        case AttemptRejected():
            return {
                "event": "rejected",
                "number": event.number,
                "reason": event.reason,
                "confidence": event.confidence,
            }
        case Decided():
            return {"event": "decided", **decision_object(event)}
        case Result():
            return {"event": "result", **_result(event)}


def _result(result: Result) -> dict[str, Any]:
    return {
        "request_id": result.request_id,
        "text": result.text,
        "reasoning": result.reasoning,
        "tier": result.tier,
        "policy": result.policy,
        "confidence": result.confidence,
        "reason": result.reason,
        "finish_reason": result.finish_reason.value,
        "number": result.attempt_number,
        "cost_usd": result.cost_usd_micros / 1e6,
        "latency_s": result.latency_s,
        "certificate_id": result.certificate_id,
        "skipped": dict(result.skipped),
        "attempts": [_attempt(report) for report in result.attempts],
    }


def _attempt(report: AttemptReport) -> dict[str, Any]:
    return {
        "number": report.number,
        "tier": report.tier,
        "outcome": report.outcome.value,
        "reason": report.reason,
        "confidence": report.confidence,
        "signals": dict(report.signals),
        "cost_usd": report.cost_usd_micros / 1e6,
        "latency_s": report.latency_s,
        "first_token_s": report.time_to_first_token_s,
        "input_token_count": report.usage.input_token_count,
        "output_token_count": report.usage.output_token_count,
        "probes": [
            {
                "name": probe.name,
                "tier": probe.tier,
                "outcome": probe.outcome,
                "cost_usd": probe.cost_usd_micros / 1e6,
                "latency_s": probe.latency_s,
            }
            for probe in report.probes
        ],
    }
