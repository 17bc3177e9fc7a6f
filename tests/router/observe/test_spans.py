"""Spans: one for a request, a child for every attempt, and nothing of what was said."""

from __future__ import annotations

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from backends.upshift_node_wire import request_metadata
from router.budget import Allowance, Budget
from router.errors import NoTierReady
from router.observe.spans import Spans
from router.observe.tracing import Tracing
from router.observe.watch import Sight
from router.terms import terms_of
from router.tiers import Tier
from router.traceparent import Span
from tests.router.conftest import House, ask, echo_tier
from tests.router.observe.conftest import Seen

TRACED = Sight(sample_ratio=1.0)
PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
SECRET = "what nobody may read"


async def spans(seen: Seen, traceparent: str = "") -> list[ReadableSpan]:
    run = await seen.run(ask(SECRET, traceparent=traceparent, tenant="acme"))
    return list(Spans(Resource({}), seen.watch.tier).of(run))


async def test_attempts_are_children_of_their_request(ladder: list[Tier]) -> None:
    """And the request is the caller's child."""
    *attempts, request = await spans(Seen(ladder, TRACED), PARENT)
    assert [span.attributes["upshift.tier"] for span in attempts if span.attributes] == [
        "edge",
        "local",
        "frontier",
    ]
    assert request.parent is not None
    assert request.context is not None
    assert f"{request.parent.span_id:016x}" == PARENT.split("-")[2]
    for attempt in attempts:
        assert attempt.parent is not None
        assert attempt.context is not None
        assert attempt.parent.span_id == request.context.span_id
        assert attempt.context.trace_id == request.context.trace_id
        assert request.start_time <= attempt.start_time <= attempt.end_time  # type: ignore[operator]


async def test_names_are_those_of_the_conventions(ladder: list[Tier]) -> None:
    """Tools for GenAI find model, provider and tokens; routing has names of its own."""
    *_, attempt, request = await spans(Seen(ladder, TRACED))
    assert attempt.name == "chat frontier"
    assert attempt.attributes is not None
    assert request.attributes is not None
    assert attempt.attributes["gen_ai.operation.name"] == "chat"
    assert attempt.attributes["gen_ai.request.model"] == "frontier"
    assert attempt.attributes["gen_ai.provider.name"] == "echo"
    assert attempt.attributes["gen_ai.usage.output_tokens"] == 2
    assert request.attributes["upshift.reason"] == "confident"
    assert request.attributes["upshift.attempt_count"] == 3
    assert request.kind is SpanKind.SERVER


async def test_nothing_of_what_was_said_is_in_a_span(ladder: list[Tier]) -> None:
    """Neither question nor answer, nor who asked."""
    written = "".join(span.to_json() for span in await spans(Seen(ladder, TRACED)))
    for secret in (SECRET, "frontier says", "acme"):
        assert secret not in written


async def test_a_failure_is_one(ladder: list[Tier]) -> None:
    """Of the attempt, and of the request where nothing answers."""
    tiers = [echo_tier("down", price=1, fail="unavailable"), ladder[2]]
    first, *_, request = await spans(Seen(tiers, TRACED))
    assert (first.status.status_code, request.status.status_code) == (StatusCode.ERROR, StatusCode.UNSET)
    seen = Seen([echo_tier("down", fail="unavailable")], TRACED)
    with pytest.raises(NoTierReady):
        await seen.run(ask())
    *_, request = Spans(Resource({}), seen.watch.tier).of(seen.runs[0])
    assert request.status.status_code is StatusCode.ERROR
    assert request.attributes is not None
    assert request.attributes["error.type"] == "NO_TIER_READY"


@pytest.mark.parametrize("traceparent", [PARENT[:-2] + "00", ""])
async def test_what_is_not_sampled_makes_no_span(ladder: list[Tier], traceparent: str) -> None:
    """The caller's choice holds; without one, the configured share."""
    assert await spans(Seen(ladder, Sight(sample_ratio=0.0)), traceparent) == []


async def test_a_tier_is_told_of_the_span_of_its_attempt(ladder: list[Tier]) -> None:
    """What it does itself stands below the attempt, not beside it."""
    seen = Seen(ladder, TRACED)
    attempt, *_ = await spans(seen)
    request = seen.runs[0].entry.request
    budget = Budget(Allowance(), lambda: 0.0)
    budget.begin_attempt()
    terms = terms_of(House(ladder).planner().plan(request), budget)
    told = Span.parse(terms.traceparent)
    assert told is not None
    assert attempt.context is not None
    assert int(told.span_id, 16) == attempt.context.span_id
    assert ("traceparent", terms.traceparent) in request_metadata(terms, None)


async def test_spans_are_exported_by_the_end(ladder: list[Tier]) -> None:
    """Leaving waits for what is queued."""
    exporter = InMemorySpanExporter()
    seen = Seen(ladder, TRACED)
    run = await seen.run(ask())
    async with Tracing(exporter, seen.watch.tier) as tracing:
        tracing.hear_run(run)
    assert len(exporter.get_finished_spans()) == 4
