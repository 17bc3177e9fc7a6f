"""Backends that break the seam's rules: requests end typed, money is booked, no place is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from backends.errors import BackendError
from backends.types import (
    Capabilities,
    Completion,
    Delta,
    FinishReason,
    JsonSchemaFormat,
    Prompt,
    Sampling,
    Usage,
)
from router import attempt, errors
from router.events import AttemptRejected, Result
from router.readiness import Readiness
from router.request import Constraints
from router.tiers import Limits, Price, Tier
from tests.router.conftest import House, ask, echo_tier

DONE = Completion(FinishReason.STOP, Usage(2, 1))
Lie = Callable[[], AsyncGenerator[Any]]


class Liar:
    """A backend that streams what it likes."""

    def __init__(self, lie: Lie) -> None:
        self.lie = lie
        self.capabilities = Capabilities("liar", max_output_token_count=10)

    async def start(self) -> None:
        """Promise to be ready."""

    async def close(self) -> None:
        """Do nothing."""

    def count_tokens(self, prompt: Prompt) -> int:
        """Two."""
        return 2

    def stream(self, prompt: Prompt, *, timeout_s: float | None = None) -> AsyncGenerator[Any]:
        """Lie."""
        return self.lie()


async def goes_on() -> AsyncGenerator[Any]:
    yield Delta("a")
    yield DONE
    yield Delta("b")


async def begins_with_its_end() -> AsyncGenerator[Any]:
    yield DONE
    yield Delta("a")


async def ends_twice() -> AsyncGenerator[Any]:
    yield DONE
    yield DONE


async def says_nothing() -> AsyncGenerator[Any]:
    return
    yield


async def never_ends() -> AsyncGenerator[Any]:
    while True:
        yield Delta("word ")


async def never_ends_in_silence() -> AsyncGenerator[Any]:
    while True:
        yield Delta()


async def sends_a_library() -> AsyncGenerator[Any]:
    for _ in range(100):
        yield Delta("x" * 1_000_000)


async def never_answers() -> AsyncGenerator[Any]:
    await asyncio.get_running_loop().create_future()
    yield DONE


def tier_of(lie: Lie, **limits: Any) -> Tier:
    return Tier("liar", "liar", Liar(lie), Price(1_000_000, 1_000_000), Limits(**limits))


UNAVAILABLE = [
    goes_on,
    begins_with_its_end,
    ends_twice,
    says_nothing,
    never_ends,
    never_ends_in_silence,
    sends_a_library,
]


@pytest.mark.parametrize("lie", UNAVAILABLE)
async def test_a_tier_that_lies_counts_as_unavailable(lie: Lie) -> None:
    """The request goes on to the next tier, and nothing of the lie is in the answer."""
    liar = tier_of(lie)
    events = await House([liar, echo_tier("frontier", reply="truth")]).events(ask())
    assert [event.reason for event in events if isinstance(event, AttemptRejected)] == ["unavailable"]
    assert isinstance(events[-1], Result)
    assert events[-1].text == "truth"
    assert liar.gate.in_flight_count == 0


async def test_what_a_liar_wrote_is_booked() -> None:
    """An answer that never ended is charged up to where it was cut."""
    house = House([tier_of(never_ends), echo_tier("frontier", reply="truth")])
    report = (await house.result(ask())).attempts[0]
    assert report.cost_usd_micros == report.usage.input_token_count + report.usage.output_token_count
    assert report.usage.output_token_count < 1000


async def test_a_tier_that_ignores_its_time_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop's own clock ends the attempt, and its place is free again."""
    monkeypatch.setattr(attempt, "_GRACE_S", 0.01)
    liar = tier_of(never_answers, timeout_s=0.01)
    result = await House([liar, echo_tier("frontier")]).result(ask())
    assert [report.reason for report in result.attempts] == ["timed_out", "confident"]
    assert liar.gate.in_flight_count == 0


async def raises() -> AsyncGenerator[Any]:
    yield Delta("a")
    raise KeyError("a bug")


async def sends_what_is_nothing() -> AsyncGenerator[Any]:
    yield None


@pytest.mark.parametrize(("lie", "error"), [(raises, KeyError), (sends_what_is_nothing, AttributeError)])
async def test_a_bug_in_a_backend_is_a_bug(lie: Lie, error: type[Exception]) -> None:
    """It passes through as it is; the journal calls it INTERNAL and not a cancellation."""
    liar = tier_of(lie)
    house = House([liar])
    with pytest.raises(error):
        await house.events(ask())
    (entry,) = house.journal.entries
    assert (entry.error_reason, entry.attempts[0].reason) == ("INTERNAL", "internal")
    assert liar.gate.in_flight_count == 0


async def test_a_bug_at_the_start_keeps_no_other_tier_from_serving(caplog: pytest.LogCaptureFixture) -> None:
    """Whatever a backend raises, the others start; what it said may hold a key and is not logged."""
    liar, other = tier_of(goes_on), echo_tier("edge")
    key = "sk-secret"

    async def start() -> None:
        raise RuntimeError(key)

    liar.backend.start = start  # type: ignore[method-assign]
    readiness = Readiness([liar, other])
    await readiness.start()
    assert (liar.ready, other.ready) == (False, True)
    await readiness.close()
    assert "RuntimeError" in caplog.text
    assert "sk-secret" not in caplog.text


async def test_a_bug_at_the_end_still_closes_the_journal() -> None:
    """One backend that cannot close does not lose what the journal has still to write."""
    house = House([tier_of(goes_on)])
    closed: list[str] = []

    async def fail() -> None:
        raise RuntimeError("stuck")

    async def close() -> None:
        closed.append("journal")

    house.tiers[0].backend.close = fail  # type: ignore[method-assign]
    house.journal.close = close  # type: ignore[method-assign]
    await house.router().close()
    assert closed == ["journal"]


async def test_an_answer_that_cannot_be_checked_is_not_trusted() -> None:
    """Where no validator can tell, a sure answer shifts up all the same, and ends with confidence 0."""
    schema: dict[str, Any] = {"items": {"$ref": "#"}, "uniqueItems": True}
    text = "[" + ",".join(f'{{"x": {i}}}' for i in range(400)) + "]"
    tiers = [echo_tier("edge", reply=text), echo_tier("frontier", reply=text)]
    request = ask()
    asked = replace(request, prompt=replace(request.prompt, response_format=JsonSchemaFormat(schema)))
    result = await House(tiers).result(asked)
    assert [report.confidence for report in result.attempts] == [0.0, 0.0]
    assert not any(name.endswith("_valid") for name in result.attempts[0].signals)


def money(cost: int | None) -> Constraints:
    return Constraints(max_cost_usd_micros=cost)


async def test_no_money_still_pays_for_what_is_free() -> None:
    """A budget of 0 allows a tier without a price, and nothing else."""
    house = House([echo_tier("free"), echo_tier("dear", price=1)])
    assert (await house.result(ask(constraints=money(0)))).tier == "free"
    with pytest.raises(errors.BudgetExhausted):
        await House([echo_tier("dear", price=1)]).result(ask(constraints=money(0)))


@pytest.mark.parametrize("cost", [2**62, 2**63 - 1])
async def test_a_huge_budget_is_a_budget(cost: int) -> None:
    """Whatever fits the wire is counted exactly."""
    tier = echo_tier("dear", price=10**9)
    result = await House([tier]).result(ask(constraints=money(cost)))
    assert result.cost_usd_micros == tier.price.cost_usd_micros(result.usage) > 0


async def test_a_huge_output_limit_does_not_rule_a_tier_out() -> None:
    """What a model can write at most bounds what its budget must pay for."""
    tier = tier_of(one_word)
    request = ask(constraints=money(12), sampling=Sampling(max_output_token_count=2**31 - 1))
    assert (await House([tier]).result(request)).text == "a"


async def one_word() -> AsyncGenerator[Any]:
    yield Delta("a")
    yield DONE


async def test_concurrent_requests_keep_their_own_accounts() -> None:
    """Fifty at once, through a narrow door: each is charged its own words and no other's."""
    tier = echo_tier("edge", price=1_000_000, limits=Limits(concurrency=3, queue=100), token_delay_s=0.0001)
    router = House([tier]).router()

    async def cost(words: int) -> int:
        request = ask(" ".join(["w"] * words), id=f"r{words}", constraints=money(2 * 50))
        events = [event async for event in router.run(request)]
        assert isinstance(events[-1], Result)
        return events[-1].cost_usd_micros

    costs = await asyncio.gather(*(cost(words) for words in range(1, 47)))
    assert list(costs) == [2 * words for words in range(1, 47)]
    assert (tier.gate.in_flight_count, tier.gate.queued_count) == (0, 0)


def backend_errors(kind: type[BackendError] = BackendError) -> Iterator[type[BackendError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from backend_errors(child)


@pytest.mark.parametrize("kind", sorted(set(backend_errors()), key=str))
async def test_every_backend_error_ends_typed(kind: type[BackendError]) -> None:
    """Whatever a backend may raise, the request ends in a routing error of its own."""

    async def fails() -> AsyncGenerator[Any]:
        yield Delta("a")
        raise kind("no")

    with pytest.raises(errors.RoutingError):
        await House([tier_of(fails)]).result(ask())
