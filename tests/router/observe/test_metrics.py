"""Figures: their names, their labels, and that they count what happened."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.parser import text_string_to_metric_families

from router.errors import NoTierReady
from router.observe.bounded import OTHER, Bounded
from router.observe.metrics import Metrics
from router.rpc.calls import CallRecord
from router.rpc.names import METHODS
from router.rpc.seam import Call
from router.tiers import Tier
from tests.router.conftest import ask, echo_tier
from tests.router.observe.conftest import Seen


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


async def counted(tiers: list[Tier], registry: CollectorRegistry) -> Metrics:
    seen = Seen(tiers)
    metrics = Metrics(registry)
    metrics.hear_run(await seen.run(ask()))
    return metrics


async def test_a_request_is_counted_at_every_step(ladder: list[Tier], registry: CollectorRegistry) -> None:
    """The request, its decision, its attempts, why they were not enough, tokens and money."""
    await counted(ladder, registry)

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(f"upshift_{name}", labels)

    assert value("requests_total", policy="default", outcome="OK") == 1
    assert value("decisions_total", policy="default", tier="edge", reason="cheapest") == 1
    assert value("attempts_total", tier="edge", outcome="rejected") == 1
    assert value("attempts_total", tier="frontier", outcome="accepted") == 1
    assert value("escalations_total", reason="low_confidence") == 2
    assert value("tokens_total", tier="frontier", kind="output") == 2
    assert value("overhead_seconds_count", policy="default") == 1
    cost = sum(value("cost_usd_total", tier=tier.name) or 0.0 for tier in ladder)
    assert cost == pytest.approx(3e-6)


async def test_an_answer_that_was_not_trusted_counts_as_open(registry: CollectorRegistry) -> None:
    """Nothing better was left, and operators must see how often."""
    await counted([echo_tier("only", logprob=-3.0)], registry)
    assert registry.get_sample_value("upshift_fail_open_total", {"reason": "exhausted"}) == 1


async def test_an_answer_beside_a_failed_tier_counts_as_open(registry: CollectorRegistry) -> None:
    """The caller got an answer, though not from where it was looked for."""
    await counted([echo_tier("down", price=1, fail="unavailable"), echo_tier("up", price=2)], registry)
    assert registry.get_sample_value("upshift_fail_open_total", {"reason": "tier_failed"}) == 1
    assert registry.get_sample_value("upshift_escalations_total", {"reason": "unavailable"}) == 1


async def test_a_failed_request_counts_by_its_reason(registry: CollectorRegistry) -> None:
    """The word that the caller got."""
    seen = Seen([echo_tier("edge", fail="unavailable")])
    with pytest.raises(NoTierReady):
        await seen.run(ask())
    Metrics(registry).hear_run(seen.runs[0])
    labels = {"policy": "default", "outcome": "NO_TIER_READY"}
    assert registry.get_sample_value("upshift_requests_total", labels) == 1


def test_series_begin_at_zero(registry: CollectorRegistry) -> None:
    """A first event is a step that `increase` sees."""
    Metrics(registry).seed(["edge"], ["default"], METHODS)
    for name, labels in (
        ("calls", {"method": "Generate", "outcome": "OK"}),
        ("requests", {"policy": "default", "outcome": "OK"}),
        ("attempts", {"tier": "edge", "outcome": "failed"}),
        ("escalations", {"reason": "low_confidence"}),
        ("fail_open", {"reason": "exhausted"}),
    ):
        assert registry.get_sample_value(f"upshift_{name}_total", labels) == 0.0


def test_a_call_counts_by_method_and_outcome(registry: CollectorRegistry) -> None:
    """Refused calls too, which no request comes of."""
    record = CallRecord("Generate", Call("r", 1.0), "ipv4:127.0.0.1:1", began_s=0.0)
    record.end(NoTierReady("none"), now_s=0.5)
    Metrics(registry).hear_call(record)
    labels = {"method": "Generate", "outcome": "NO_TIER_READY"}
    assert registry.get_sample_value("upshift_calls_total", labels) == 1
    assert registry.get_sample_value("upshift_call_seconds_sum", {"method": "Generate"}) == 0.5


def test_no_stream_of_names_makes_more_than_so_many_series(registry: CollectorRegistry) -> None:
    """Beyond the limit everything counts as one."""
    bounded = Bounded(Counter("upshift_test", "A test.", ["name"], registry=registry), limit=3)
    for number in range(10):
        bounded.of(f"name-{number}").inc()
    series = {sample.labels["name"] for family in registry.collect() for sample in family.samples}
    assert len(series) == 4
    assert registry.get_sample_value("upshift_test_total", {"name": OTHER}) == 7


async def test_conventions_hold(ladder: list[Tier], registry: CollectorRegistry) -> None:
    """Base units, a help text, and no label that a caller fills."""
    await counted(ladder, registry)
    for family in registry.collect():
        assert family.name.startswith("upshift_")
        assert family.documentation.endswith(".")
        for sample in family.samples:
            assert set(sample.labels) <= {
                *("method", "outcome", "policy", "tier", "reason", "kind", "source", "le")
            }


def test_text_parses_again() -> None:
    """Prometheus' own parser reads the exposition."""
    from prometheus_client import generate_latest

    registry = CollectorRegistry()
    Metrics(registry).seed(['ti"er'], ["default"], METHODS)
    assert list(text_string_to_metric_families(generate_latest(registry).decode()))
