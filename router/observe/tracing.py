"""Where spans go: in batches, off the path of requests, to a collector or to standard output.

Decides nothing of what they say. The queue is bounded: spans that come quicker than they leave are dropped.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from types import TracebackType
from typing import Self

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SpanExporter

from router.observe.run import Run
from router.observe.spans import Spans
from router.tiers import Tier


class Tracing:
    """Exports the spans of runs by ``exporter`` while it is entered."""

    def __init__(self, exporter: SpanExporter, tier_of: Callable[[str], Tier | None]) -> None:
        self._processor = BatchSpanProcessor(exporter)
        self._spans = Spans(_resource(), tier_of)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self._processor.shutdown)

    def hear_run(self, run: Run) -> None:
        """Queue the spans of a request that has ended."""
        for span in self._spans.of(run):
            self._processor.on_end(span)


def exporter_named(name: str) -> SpanExporter:
    """Make the exporter ``otlp``, set up by the usual ``OTEL_EXPORTER_OTLP_*`` variables, or ``console``."""
    if name == "console":
        return ConsoleSpanExporter()
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return OTLPSpanExporter()


def _resource() -> Resource:
    """``OTEL_SERVICE_NAME`` and ``OTEL_RESOURCE_ATTRIBUTES`` say more of it."""
    named = {} if "OTEL_SERVICE_NAME" in os.environ else {"service.name": "upshift"}
    return Resource.create(named)
