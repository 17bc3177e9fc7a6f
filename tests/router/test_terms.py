"""What a tier that routes by itself is told: the policy's constraints, and what is left to spend."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace

from backends.echo import EchoBackend, EchoOptions
from backends.types import Clearance, Completion, Delta, FinishReason, Prompt, Terms, Usage
from router.request import Constraints
from router.tiers import Limits, Price, Tier
from tests.router.conftest import SURE, UNSURE, House, ask, echo_tier


class Listener(EchoBackend):
    """An echo that keeps the terms of what it is asked, and says what it cost."""

    def __init__(self, cost_usd_micros: int | None = None) -> None:
        super().__init__(EchoOptions.model_validate({"reply": "answer", "logprob": SURE}))
        self.terms: list[Terms] = []
        self.clearances: list[Clearance] = []
        self._cost_usd_micros = cost_usd_micros

    async def stream(
        self, prompt: Prompt, *, timeout_s: float | None = None
    ) -> AsyncGenerator[Delta | Completion]:
        """Note the terms."""
        self.terms.append(prompt.terms)
        self.clearances.append(prompt.clearance)
        yield Delta("answer")
        yield Completion(FinishReason.STOP, Usage(10, 1), self._cost_usd_micros)


def listening(listener: Listener, price: int = 1_000_000) -> Tier:
    """A tier that a listener runs, at ``price`` a million tokens."""
    return Tier("far", "listener", listener, Price(price, price), Limits())


async def test_constraints_and_origin_travel_along() -> None:
    """The stricter of policy and request holds, and the request's own marks go with it."""
    listener = Listener()
    house = House([listening(listener)], constraints=Constraints(min_confidence=0.7, local_only=True))
    wish = Constraints(min_confidence=0.2)
    await house.result(
        ask(id="r1", constraints=wish, tags=frozenset({"b", "a"}), traceparent="00-ab-cd-01", hop_count=2)
    )
    assert listener.terms == [
        Terms(0.7, tags=("a", "b"), request_id="r1", traceparent="00-ab-cd-01", hop_count=2)
    ]
    assert listener.clearances == [Clearance(may_leave=False)]


async def test_what_is_left_of_the_budget_travels_along() -> None:
    """An earlier attempt's money and number are gone; the attempt that begins is among those left."""
    listener = Listener()
    edge = echo_tier("edge", price=1_000_000, reply="edge says", logprob=UNSURE)
    wish = Constraints(max_cost_usd_micros=10_000, max_attempt_count=3)
    result = await House([edge, listening(listener)]).result(ask(constraints=wish))
    spent = result.attempts[0].cost_usd_micros
    assert spent > 0
    assert (listener.terms[0].max_cost_usd_micros, listener.terms[0].max_attempt_count) == (10_000 - spent, 2)


async def test_no_limit_stays_none() -> None:
    """Where nothing is bounded, nothing is said."""
    listener = Listener()
    await House([listening(listener)]).result(ask(id="r"))
    assert replace(listener.terms[0], request_id="") == Terms()


async def test_a_cost_that_a_backend_tells_is_booked() -> None:
    """A node knows what its own tiers cost; the price stands in only for those that do not say."""
    told = await House([listening(Listener(77))]).result(ask())
    priced = await House([listening(Listener())]).result(ask())
    assert (told.cost_usd_micros, priced.cost_usd_micros) == (77, 11)
