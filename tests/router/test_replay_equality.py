"""A replay of recorded answers decides as the router does, answers that are given up included."""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator

import pytest

from backends.types import Capabilities, Completion, Delta, FinishReason, Prompt, TokenLogprob, Usage
from policies.base import Answered, Policy
from policies.cascade_routing import CascadeRouting, CascadeRoutingOptions
from policies.replay import EarlyStops, View, replay
from policies.stopping import Stopping
from policies.threshold import Threshold, ThresholdOptions
from router.events import Result
from router.plan import Rung
from router.request import Constraints, Request
from router.situation import draw
from router.tiers import Limits, Price, Tier
from tests.router.conftest import House, MeanProbability, ask
from tests.router.test_early_stop import checkpoint

TIERS = ("edge", "local", "top")
PRICES = {"edge": 100_000, "local": 500_000, "top": 5_000_000}
LEARNT = Stopping({"edge": (checkpoint(8, 30.0), checkpoint(16, 24.0)), "local": (checkpoint(8, 30.0),)})
POLICIES: dict[str, Policy] = {
    "threshold": Threshold(ThresholdOptions(min_confidence=0.6)),
    "cascade_routing": CascadeRouting(CascadeRoutingOptions(value_of_correct_usd=0.002)),
}


class Scripted:
    """A model whose forty words are as sure as a hash of tier and prompt says; the same every time."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.capabilities = Capabilities(name, logprobs=True)

    async def start(self) -> None:
        """Be ready."""

    async def close(self) -> None:
        """Do nothing."""

    def count_tokens(self, prompt: Prompt) -> int:
        """Two."""
        return 2

    async def stream(
        self, prompt: Prompt, *, timeout_s: float | None = None
    ) -> AsyncGenerator[Delta | Completion]:
        """Write forty tokens, more or less sure."""
        rng = random.Random(f"{self.name} {prompt.text}")
        doubt = rng.expovariate(2.0)
        for _ in range(40):
            yield Delta("x ", tokens=(TokenLogprob("x ", -rng.expovariate(1.0) * doubt),))
        yield Completion(FinishReason.STOP, Usage(2, 40))


def house(policy: Policy, stopping: Stopping) -> House:
    tiers = [
        Tier(name, "fake", Scripted(name), Price(PRICES[name], PRICES[name]), Limits()) for name in TIERS
    ]
    return House(tiers, policy=policy, stopping=stopping)


async def view_of(request: Request, rungs: tuple[Rung, ...]) -> View:
    """Every tier's complete answer, asked for by itself."""
    qualities = {rung.tier.name: rung.estimate.quality for rung in rungs}
    signals = {}
    for tier in TIERS:
        alone = Request(request.id, request.prompt, Constraints(allowed_tiers=frozenset({tier})))
        signals[tier] = (await house(POLICIES["threshold"], Stopping()).result(alone)).attempts[0].signals
    confidence = MeanProbability()
    answers = {t: Answered(t, qualities[t], confidence.predict(t, qualities[t], signals[t])) for t in TIERS}
    return View(qualities, answers, {}, draw(request.id), signals)


def way(result: Result) -> list[tuple[str, int]]:
    """The tiers that ran, in order, with the tokens at which they were given up."""
    return [
        (a.tier, a.usage.output_token_count if a.reason == "aborted_early" else 0) for a in result.attempts
    ]


@pytest.mark.parametrize("name", POLICIES)
async def test_the_loop_and_the_replay_go_the_same_way(name: str) -> None:
    """Same tiers, given up at the same token, and the same answer, on sixty prompts."""
    made = house(POLICIES[name], LEARNT)
    requests = [ask(f"question {number}", id=f"r{number}") for number in range(60)]
    results = [await made.result(request) for request in requests]
    rungs = made.planner().plan(requests[0]).rungs
    views = [await view_of(request, made.planner().plan(request).rungs) for request in requests]
    costs = {rung.tier.name: rung.cost.usd_micros for rung in rungs}
    early = EarlyStops(LEARNT, {rung.tier.name: rung.rates for rung in rungs})
    done = replay(POLICIES[name], views, costs, early)
    for row, result in enumerate(results):
        assert TIERS[done.chosen[row]] == result.tier
        ran = [(tier, int(done.stopped_at[row, p])) for p, tier in enumerate(TIERS) if done.tried[row, p]]
        assert ran == sorted(way(result), key=lambda step: TIERS.index(step[0]))
    assert 5 < (done.stopped_at > 0).sum() < 100
