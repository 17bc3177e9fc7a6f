"""Routers over echo tiers, for tests of the loop."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field

import pytest

from backends.base import Backend
from backends.echo import EchoBackend, EchoOptions
from backends.types import Message, Prompt, Role, Sampling
from policies.arms import Arm
from policies.base import Policy
from policies.difficulty.base import DifficultyEstimator
from policies.difficulty.heuristic import HeuristicDifficulty
from policies.escalation import Escalation
from policies.registry import SIGNALS
from policies.stopping import Stopping
from policies.threshold import Threshold, ThresholdOptions
from router.arm_tier import ArmTier
from router.assess import Assessor
from router.conversations import Conversations
from router.core import Router
from router.events import Event, Result
from router.journal import JournalEntry, NullJournal
from router.plan import Planner, Route
from router.probing import Prober
from router.request import Constraints, Request
from router.resilience.guard import Guard
from router.spending import Spending
from router.tenants.turnstile import Turnstile
from router.tiers import Limits, Price, Tier


class MeanProbability:
    """Confidence for tests: the geometric mean probability of the tokens."""

    def predict(self, tier: str, quality: float, signals: Mapping[str, float]) -> float | None:
        """Confidence, None without log-probabilities."""
        mean = signals.get("logprob_mean")
        return None if mean is None else 2.718281828459045**mean


class ListJournal(NullJournal):
    """Keeps entries in a list."""

    def __init__(self) -> None:
        self.entries: list[JournalEntry] = []

    def record(self, entry: JournalEntry) -> None:
        """Keep the entry."""
        self.entries.append(entry)


@dataclass
class House:
    """A router over tiers made for one test, and its journal."""

    tiers: list[Tier]
    policy: Policy = field(default_factory=lambda: Threshold(ThresholdOptions(min_confidence=0.5)))
    constraints: Constraints = field(default_factory=Constraints)
    clock: Callable[[], float] = time.monotonic
    journal: ListJournal = field(default_factory=ListJournal)
    escalation: Escalation = field(default_factory=Escalation)
    stopping: Stopping = field(default_factory=Stopping)
    spending: Spending | None = None
    prober: Prober | None = None
    arms: tuple[Arm, ...] = ()
    turnstile: Turnstile | None = None
    hedge: bool = False
    pauses_s: list[float] = field(default_factory=list)
    conversations: Conversations = field(default_factory=lambda: Conversations(time.monotonic))

    def router(self) -> Router:
        """Build the router; its tiers are ready."""
        for tier in self.tiers:
            tier.ready = True
            tier.guard = self._patient(tier)
        signals = [SIGNALS.load(name)() for name in SIGNALS.names()]
        assessor = Assessor(signals, MeanProbability(), prober=self.prober)
        return Router(
            self.tiers,
            self.planner(),
            assessor,
            self.journal,
            self.clock,
            turnstile=self.turnstile,
            conversations=self.conversations,
        )

    def _patient(self, tier: Tier) -> Guard:
        """The tier's door, which keeps in mind how long was waited before a call, and does not wait."""

        async def sleep(wait_s: float) -> None:
            self.pauses_s.append(wait_s)

        old = tier.guard
        found = Guard(
            tier.name,
            tier.gate,
            old.settings,
            typical_latency_s=old.typical_latency_s,
            clock=old.clock,
            sleep=sleep,
        )
        found.hedge_delay = old.hedge_delay
        return found

    def planner(self) -> Planner:
        """Plan requests over the one route."""
        by_name = {tier.name: tier for tier in self.tiers}
        route = Route(
            "default",
            self.policy,
            tuple(self.tiers),
            self.constraints,
            escalation=self.escalation,
            stopping=self.stopping,
            spending=self.spending,
            arms=tuple(ArmTier(by_name[arm.tier], arm) for arm in self.arms),
            hedge=self.hedge,
        )
        return Planner([route], self.estimator(), conversations=self.conversations)

    def estimator(self) -> DifficultyEstimator:
        """A guess by rank; every answer is expected to have four tokens."""
        return HeuristicDifficulty.for_ladder([tier.name for tier in self.tiers], output_token_count=4)

    async def events(self, request: Request) -> list[Event]:
        """All events of a request."""
        async with aclosing(self.router().run(request)) as events:
            return [event async for event in events]

    async def result(self, request: Request) -> Result:
        """The result of a request."""
        last = (await self.events(request))[-1]
        assert isinstance(last, Result)
        return last


def echo_tier(name: str, *, price: int = 0, limits: Limits | None = None, **options: object) -> Tier:
    """A tier that says what ``options`` tell it to; ``price`` is per million tokens, both ways."""
    backend: Backend = EchoBackend(EchoOptions.model_validate({"model": name, **options}))
    return Tier(name, "echo", backend, Price(price, price), limits or Limits())


def ask(text: str = "two words", *, id: str = "request", **changes: object) -> Request:  # noqa: A002
    """A request; ``changes`` are fields of Request, or ``sampling``."""
    sampling = changes.pop("sampling", Sampling())
    assert isinstance(sampling, Sampling)
    return Request(id, Prompt((Message(Role.USER, text),), sampling), **changes)  # type: ignore[arg-type]


SURE, UNSURE = -0.01, -3.0


@pytest.fixture
def ladder() -> list[Tier]:
    """Three tiers that say their own name; only the last is sure."""
    return [
        echo_tier("edge", price=1_000, reply="edge says", logprob=UNSURE),
        echo_tier("local", price=10_000, reply="local says", logprob=UNSURE),
        echo_tier("frontier", price=100_000, reply="frontier says", logprob=SURE),
    ]
