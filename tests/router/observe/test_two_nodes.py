"""A trace through two nodes to a real collector: each span stands below the one that caused it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import grpc
import pytest
import yaml
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span as OtlpSpan
from upshift.v1.router_pb2_grpc import RouterServiceStub

from router.build import build
from router.config import parse
from router.observe.tracing import Tracing, exporter_named
from router.observe.watch import Sight, Watch
from router.rpc.server import RouterServer
from tests.router.live.conftest import document
from tests.router.rpc.test_edge import asking

TRACE_ID, CALLER_ID = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@dataclass
class Collector:
    """Takes OTLP over HTTP."""

    url: str = ""
    spans: list[OtlpSpan] = field(default_factory=list)

    def take(self, body: bytes) -> None:
        """Keep the spans of a request."""
        request = ExportTraceServiceRequest.FromString(body)
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                self.spans += scope.spans

    def named(self, attribute: str) -> OtlpSpan:
        """The span with this tier, or the request's where it is ""."""
        return next(span for span in self.spans if _tier(span) == attribute)


def _tier(span: OtlpSpan) -> str:
    """Tier of an attempt's span; "" of a request's."""
    values = {pair.key: pair.value.string_value for pair in span.attributes}
    return values["upshift.tier"] if "upshift.attempt" in {p.key for p in span.attributes} else ""


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Listen where the usual variable says."""
    found = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            found.take(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    yield found
    server.shutdown()
    server.server_close()
    thread.join()


@asynccontextmanager
async def node(*tiers: dict[str, Any]) -> AsyncIterator[str]:
    """Serve a node that is traced; its spans have gone out when it ends."""
    found = document(*tiers, server={"listen": "127.0.0.1:0"})
    router = build(parse(yaml.safe_dump(found)))
    watch = Watch(Sight(sample_ratio=0.0))
    watch.look_at(router.parts.tiers)
    async with AsyncExitStack() as stack:
        tracing = await stack.enter_async_context(Tracing(exporter_named("otlp"), watch.tier))
        watch.listen(tracing.hear_run)
        router.observe(watch)
        yield await (
            await stack.enter_async_context(RouterServer(parse(yaml.safe_dump(found)).server, router))
        ).start()


async def test_spans_of_two_nodes_hang_together(collector: Collector) -> None:
    """From the caller's span over the first node's attempt down to the second node's."""
    async with node({"name": "edge", "options": {"reply": "so it is"}}) as far:
        passing = {"name": "region", "backend": "upshift_node", "options": {"target": far}}
        async with node(passing) as near, grpc.aio.insecure_channel(near) as channel:
            metadata = (("traceparent", f"00-{TRACE_ID}-{CALLER_ID}-01"), ("x-request-id", "r1"))
            answer = await RouterServiceStub(channel).Generate(asking(), metadata=metadata, timeout=20.0)
    assert answer.result.text == "so it is"
    assert {span.trace_id.hex() for span in collector.spans} == {TRACE_ID}
    assert len(collector.spans) == 4
    region, edge = collector.named("region"), collector.named("edge")
    requests = {span.span_id: span for span in collector.spans if _tier(span) == ""}
    near_request, far_request = requests[region.parent_span_id], requests[edge.parent_span_id]
    assert near_request.parent_span_id.hex() == CALLER_ID
    assert far_request.parent_span_id == region.span_id
