"""What a span says of a request and of an attempt: OpenTelemetry's GenAI names, and ours for routing.

Decides names and attributes; never a prompt, an answer, a tenant or a key. Makes spans when the request has
ended, from what was noted: one for it, and a child for every attempt.
See https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from router.events import AttemptReport, Outcome
from router.observe.run import Run
from router.tiers import Tier
from router.traceparent import Span

Attributes = Mapping[str, str | bool | int | float | tuple[str, ...]]

_SCOPE = InstrumentationScope("upshift")
_OPERATION = {"gen_ai.operation.name": "chat"}
_NANOS = 1_000_000_000
_SERVED_AS = "upshift"


class Spans:
    """Makes spans of ``resource``; ``tier_of`` finds the tier that an attempt ran, None: not known."""

    def __init__(self, resource: Resource, tier_of: Callable[[str], Tier | None]) -> None:
        self._resource = resource
        self._tier_of = tier_of

    def of(self, run: Run) -> Iterator[ReadableSpan]:
        """The spans of a run, its own last; none where it is not traced or not sampled."""
        request = run.entry.request
        own = Span.parse(request.traceparent) if request.is_traced else None
        if own is None or not own.is_sampled:
            return
        for report, began_s in zip(run.attempts, run.attempt_began_s, strict=False):
            yield self._attempt(report, own, began_s)
        yield self._span(
            f"chat {_SERVED_AS}",
            own,
            _context(own.trace_id, run.parent_span_id, is_remote=True) if run.parent_span_id else None,
            SpanKind.SERVER,
            _request_attributes(run),
            _status(run.outcome, is_error=run.entry.result is None),
            (run.began_s, run.ended_s),
        )

    def _attempt(self, report: AttemptReport, own: Span, began_s: float) -> ReadableSpan:
        tier = self._tier_of(report.tier)
        model = report.tier if tier is None else tier.backend.capabilities.model
        is_external = tier is not None and tier.backend.capabilities.external
        attributes = _attempt_attributes(report, model, None if tier is None else tier.kind)
        return self._span(
            f"chat {model}",
            own.attempt(report.number),
            _context(own.trace_id, own.span_id),
            SpanKind.CLIENT if is_external else SpanKind.INTERNAL,
            attributes,
            _status(report.reason, is_error=report.outcome is Outcome.FAILED),
            (began_s, began_s + report.latency_s),
        )

    def _span(  # noqa: PLR0913, PLR0917  what a span is made of
        self,
        name: str,
        span: Span,
        parent: SpanContext | None,
        kind: SpanKind,
        attributes: Attributes,
        status: Status,
        times_s: tuple[float, float],
    ) -> ReadableSpan:
        return ReadableSpan(
            name,
            _context(span.trace_id, span.span_id),
            parent,
            self._resource,
            attributes,
            kind=kind,
            status=status,
            start_time=int(times_s[0] * _NANOS),
            end_time=int(times_s[1] * _NANOS),
            instrumentation_scope=_SCOPE,
        )


def _request_attributes(run: Run) -> Attributes:
    entry, result, decided = run.entry, run.entry.result, run.entry.decided
    usage = [report.total_usage for report in run.attempts]
    found: dict[str, str | bool | int | float | tuple[str, ...] | None] = {
        **_OPERATION,
        "gen_ai.provider.name": _SERVED_AS,
        "gen_ai.request.model": run.policy or None,
        "gen_ai.usage.input_tokens": sum(one.input_token_count for one in usage),
        "gen_ai.usage.output_tokens": sum(one.output_token_count for one in usage),
        "upshift.request_id": entry.request.id,
        "upshift.policy": run.policy or None,
        "upshift.attempt_count": len(run.attempts),
        "upshift.cost_usd": sum(report.cost_usd_micros for report in run.attempts) / 1e6,
        "upshift.overhead_s": run.overhead_s,
        "upshift.hop_count": entry.request.hop_count,
    }
    if decided is not None:
        found |= {"upshift.decision.tier": decided.tier, "upshift.decision.reason": decided.reason}
    if result is not None:
        found |= {
            "gen_ai.response.finish_reasons": (result.finish_reason.value,),
            "upshift.tier": result.tier,
            "upshift.reason": result.reason,
            "upshift.confidence": result.confidence,
            "upshift.certificate_id": result.certificate_id,
        }
    else:
        found["error.type"] = run.outcome
    if run.energy is not None:
        found |= {"upshift.energy_j": run.energy.joules, "upshift.energy_source": run.energy.source.value}
    return {key: value for key, value in found.items() if value is not None}


def _attempt_attributes(report: AttemptReport, model: str, kind: str | None) -> Attributes:
    found: dict[str, str | bool | int | float | None] = {
        **_OPERATION,
        # The first word of a backend's name is whose API it speaks.
        "gen_ai.provider.name": None if kind is None else kind.partition("_")[0],
        "gen_ai.request.model": model,
        "gen_ai.response.model": model,
        "gen_ai.usage.input_tokens": report.usage.input_token_count,
        "gen_ai.usage.output_tokens": report.usage.output_token_count,
        "gen_ai.usage.cache_read.input_tokens": report.usage.cached_input_token_count or None,
        "upshift.tier": report.tier,
        "upshift.backend": kind,
        "upshift.attempt": report.number,
        "upshift.outcome": report.outcome.value,
        "upshift.reason": report.reason,
        "upshift.confidence": report.confidence,
        "upshift.cost_usd": report.cost_usd_micros / 1e6,
        "upshift.time_to_first_token_s": report.time_to_first_token_s,
        "upshift.probe_count": len(report.probes),
        "error.type": report.reason if report.outcome is Outcome.FAILED else None,
    }
    return {key: value for key, value in found.items() if value is not None}


def _context(trace_id: str, span_id: str, *, is_remote: bool = False) -> SpanContext:
    return SpanContext(int(trace_id, 16), int(span_id, 16), is_remote, TraceFlags(TraceFlags.SAMPLED))


def _status(said: str, *, is_error: bool) -> Status:
    return Status(StatusCode.ERROR, said) if is_error else Status(StatusCode.UNSET)
