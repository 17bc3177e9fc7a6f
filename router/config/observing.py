"""What a running server lets be seen of itself: the sections of metrics, traces, logs and energy."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from router.config.section import Listen, Section


class MetricsConfig(Section):
    """Figures for Prometheus; wants the extra `observability`."""

    listen: Listen | None = None
    """`host:port` where `/metrics` is served over plain HTTP, to anybody who reaches it; null: nowhere."""
    allow_insecure_listen: bool = False
    """Whether to listen where other machines can reach it; the figures tell how much is asked and spent."""


class TracingConfig(Section):
    """Spans for OpenTelemetry, never with a prompt or an answer in them; wants the extra `observability`."""

    exporter: Literal["none", "otlp", "console"] = "none"
    """Where spans go: nowhere, by OTLP over HTTP to where `OTEL_EXPORTER_OTLP_ENDPOINT` says, or to standard
    output."""
    sample_ratio: float = Field(default=1.0, ge=0.0, le=1.0, allow_inf_nan=False)
    """Share of requests that are traced, where their `traceparent` does not say so itself."""


class LogsConfig(Section):
    """What is written to standard error; never a prompt, an answer or a key."""

    format: Literal["text", "json"] = "text"
    """Lines for people, or a JSON object a line with the ids of request and trace."""
    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least that is written; lines of requests are `info`."""
    requests: bool = False
    """Whether every request that ends is a line."""


class EnergyUseConfig(Section):
    """How the energy of requests is accounted for."""

    measure: bool = True
    """Whether the machine's own meters (RAPL, NVML) are read where it has any; else tiers' `energy` tells."""
    grams_co2_per_kwh: float | None = Field(default=None, ge=0.0, le=10_000.0, allow_inf_nan=False)
    """Carbon dioxide that a kilowatt-hour stands for here; null: energy is told, and no carbon."""
