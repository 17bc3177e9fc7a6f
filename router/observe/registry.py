"""A registry of our own, with the process's figures in it."""

from __future__ import annotations

from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)


def new_registry() -> CollectorRegistry:
    """Make a registry that tells of this process: CPU, memory, files, garbage collection."""
    disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each, which nobody reads
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry
