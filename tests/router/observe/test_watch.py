"""What is noted of a request while it is answered."""

from __future__ import annotations

from contextlib import aclosing

import pytest

from router.energy.meter import Meter
from router.errors import NoTierReady
from router.events import EnergySource, EnergyUse, Event, Result
from router.observe.run import Run
from router.observe.watch import Sight, Watch
from router.request import Request
from router.tiers import Energy, Tier
from router.traceparent import Span
from tests.router.conftest import House, ask, echo_tier
from tests.router.observe.conftest import Seen, Steps

TRACED = Sight(sample_ratio=1.0)
PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def metered() -> Meter:
    """A machine that draws ten watts, on a clock that goes on by a second at every look."""
    return Meter(lambda: 10.0, Steps())


def stated(tier: Tier, joules_per_token: float) -> Tier:
    return tier.under(tier.price, tier.limits, Energy(joules_per_token=joules_per_token))


async def test_time_of_the_request_and_its_attempts(ladder: list[Tier]) -> None:
    """Overhead is what the tiers did not take, and never negative."""
    run = await Seen(ladder, clock=Steps()).run(ask())
    assert [report.tier for report in run.attempts] == ["edge", "local", "frontier"]
    assert run.began_s < run.attempt_began_s[0] < run.attempt_began_s[2] < run.ended_s
    assert run.overhead_s == pytest.approx(run.latency_s - run.upstream_s)
    assert run.outcome == "OK"


async def test_a_failed_request_is_told_of_with_its_attempts() -> None:
    """By the word that its caller gets."""
    seen = Seen([echo_tier("edge", fail="unavailable")])
    with pytest.raises(NoTierReady):
        await seen.run(ask())
    assert (seen.runs[0].outcome, len(seen.runs[0].attempts)) == ("NO_TIER_READY", 1)


async def test_a_cancelled_request_is_told_of(ladder: list[Tier]) -> None:
    """Once, and its meter is given back."""
    runs: list[Run] = []
    meter = metered()
    watch = Watch(Sight(meter=meter))
    watch.look_at(ladder)
    watch.listen(runs.append)
    router = House(ladder).router()
    router.observe(watch)
    async with aclosing(router.run(ask())) as events:
        await anext(events)
        await anext(events)
    assert [run.outcome for run in runs] == ["CANCELLED"]
    assert meter.running_count == 0


async def test_a_listener_that_fails_does_not_fail_the_request(ladder: list[Tier]) -> None:
    """Nor the listeners behind it."""
    told: list[Run] = []

    def broken(_: Run) -> None:
        raise ValueError("prompt text")

    watch = Watch(Sight())
    watch.listen(broken)
    watch.listen(told.append)
    router = House(ladder).router()
    router.observe(watch)
    events: list[Event] = [event async for event in router.run(ask())]
    assert isinstance(events[-1], Result)
    assert len(told) == 1


async def test_an_incoming_trace_goes_on(ladder: list[Tier]) -> None:
    """Under a span of our own, whose parent the caller's is."""
    run = await Seen(ladder, TRACED).run(ask(traceparent=PARENT))
    own = Span.parse(run.entry.request.traceparent)
    assert own is not None
    assert own.trace_id == PARENT.split("-")[1]
    assert own.span_id != PARENT.split("-")[2]
    assert run.parent_span_id == PARENT.split("-")[2]


@pytest.mark.parametrize(("ratio", "sampled"), [(0.0, False), (1.0, True)])
async def test_who_brings_no_trace_begins_one(ladder: list[Tier], ratio: float, sampled: bool) -> None:
    """Recorded as often as configured."""
    run = await Seen(ladder, Sight(sample_ratio=ratio)).run(ask(traceparent="nonsense"))
    own = Span.parse(run.entry.request.traceparent)
    assert own is not None
    assert (own.is_sampled, run.parent_span_id) == (sampled, "")


async def test_without_tracing_the_trace_is_passed_on_as_it_is(ladder: list[Tier]) -> None:
    """Spans that nobody tells of must not be anybody's parents."""
    run = await Seen(ladder).run(ask(traceparent=PARENT))
    assert run.entry.request.traceparent == PARENT


async def test_energy_is_reckoned_from_what_the_tier_states(ladder: list[Tier]) -> None:
    """Joules a token, carbon by the kilowatt-hour, marked as a model's."""
    tiers = [stated(ladder[0], 0.5), *ladder[1:]]
    seen = Seen(tiers, Sight(grams_co2_per_kwh=360.0))
    run = await seen.run(ask())
    usage = run.attempts[0].usage
    joules = 0.5 * (usage.input_token_count + usage.output_token_count)
    carbon_g = joules / 3.6e6 * 360.0
    assert run.attempts[0].energy == EnergyUse(joules, EnergySource.MODELLED, carbon_g)
    assert run.attempts[1].energy is None
    result = seen.events[-1]
    assert isinstance(result, Result)
    assert result.energy == run.energy == run.attempts[0].energy


async def test_a_tier_on_this_machine_is_measured_where_it_has_meters(ladder: list[Tier]) -> None:
    """Others are not: their machine is another."""
    away = stated(echo_tier("away", price=200_000, external=True), 0.5)
    tiers = [stated(ladder[0], 0.5), away]
    run = await Seen(tiers, Sight(meter=metered())).run(ask())
    sources = [report.energy and report.energy.source for report in run.attempts]
    assert sources == [EnergySource.MEASURED, EnergySource.MODELLED]
    assert run.attempts[0].energy is not None
    assert run.attempts[0].energy.joules == 10.0
    assert run.energy is not None
    assert run.energy.source is EnergySource.MIXED


def test_a_request_is_untouched_where_nothing_is_traced() -> None:
    """The same object goes on."""
    request: Request = ask()
    assert Watch(Sight()).began(request).request is request
