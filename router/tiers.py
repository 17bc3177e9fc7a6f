"""A tier at run time: a backend with a name, a price, limits, and a door.

Decides what an attempt costs and how long it may get. Refuses to know of prompts, policies and requests.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

from backends.base import Backend
from backends.load import Load
from backends.types import Usage
from policies.costs import Rates
from router.pace import Pace
from router.privacy.border import Border
from router.resilience.gate import Gate
from router.resilience.guard import Guard, Health
from router.resilience.settings import Resilience

_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Price:
    """What a million tokens cost, in millionths of a US dollar.

    Input from the provider's cache costs ``cached_input_usd_micros_per_million``; None: what all input
    does. Before a call nobody knows what the cache will give, so expectations reckon without it.
    """

    input_usd_micros_per_million: int = 0
    output_usd_micros_per_million: int = 0
    cached_input_usd_micros_per_million: int | None = None

    def cost_usd_micros(self, usage: Usage) -> int:
        """Cost of ``usage``, rounded up."""
        exact = self._exact(usage.input_token_count, usage.output_token_count)
        if self.cached_input_usd_micros_per_million is not None:
            discount = self.input_usd_micros_per_million - self.cached_input_usd_micros_per_million
            exact -= usage.cached_input_token_count * discount
        return -(-exact // _MILLION)

    def affordable_output_token_count(self, money_usd_micros: int, input_token_count: int) -> int | None:
        """Output tokens that ``money_usd_micros`` pays for after the input; None: any number."""
        left = money_usd_micros * _MILLION - self._exact(input_token_count, 0)
        if left < 0:
            return 0
        price = self.output_usd_micros_per_million
        return left // price if price else None

    def _exact(self, input_token_count: int, output_token_count: int) -> int:
        return (
            input_token_count * self.input_usd_micros_per_million
            + output_token_count * self.output_usd_micros_per_million
        )


@dataclass(frozen=True, slots=True)
class Limits:
    """How many requests run and wait at once, and how far one attempt may go.

    Nobody waits longer than ``max_wait_s``; None: than it has time.
    ``typical_latency_s`` is the time that cheaper tiers keep back for this one when a deadline is near.
    ``resilience`` says how the tier is protected, and requests from its faults.
    """

    concurrency: int = 8
    queue: int = 256
    max_wait_s: float | None = None
    timeout_s: float = 60.0
    max_output_token_count: int | None = None
    typical_latency_s: float = 1.0
    resilience: Resilience = field(default_factory=Resilience)


@dataclass(frozen=True, slots=True)
class Energy:
    """What one attempt draws while it runs, in watts, and what each of its tokens takes, in joules."""

    watts: float = 0.0
    joules_per_token: float = 0.0


def _resolved(resilience: Resilience, backend: Backend) -> Resilience:
    """Say whether the limit adapts where the settings leave it open."""
    adaptive = resilience.adaptive
    if adaptive.enabled is not None:
        return resilience
    return replace(resilience, adaptive=replace(adaptive, enabled=backend.capabilities.external))


@dataclass(frozen=True, slots=True)
class TierStatus:
    """What a tier is and how it does, for people and for the wire."""

    name: str
    backend: str
    model: str
    ready: bool
    external: bool
    logprobs: bool
    context_token_count: int | None
    input_price_usd_micros_per_million: int
    output_price_usd_micros_per_million: int
    in_flight_count: int
    queued_count: int
    health: Health = field(default_factory=Health)
    load: Load | None = None
    images: bool = False
    tools: bool = False


@dataclass(slots=True)
class Running:
    """A backend behind its border, and whether it is up."""

    backend: Border
    ready: bool = False


class Tier:
    """One rung of a ladder, its ``backend`` behind the border.

    ``pace`` is how fast it answers of late, ``guard`` the door to it.
    """

    def __init__(
        self,
        name: str,
        kind: str,
        backend: Backend,
        price: Price,
        limits: Limits,
        energy: Energy | None = None,
    ) -> None:
        self.name = name
        self.kind = kind
        self._running = Running(Border(backend))
        self.price = price
        self.limits = limits
        self.energy = energy or Energy()
        self.pace = Pace(limits.typical_latency_s)
        self.gate = Gate(limits.concurrency, limits.queue, max_wait_s=limits.max_wait_s)
        self.guard = Guard(
            name,
            self.gate,
            _resolved(limits.resilience, backend),
            typical_latency_s=limits.typical_latency_s,
            clock=time.monotonic,
        )

    @property
    def backend(self) -> Border:
        """What answers."""
        return self._running.backend

    @property
    def ready(self) -> bool:
        """Whether the backend is up."""
        return self._running.ready

    @ready.setter
    def ready(self, ready: bool) -> None:
        self._running.ready = ready

    def under(self, price: Price, limits: Limits, energy: Energy) -> Tier:
        """Make a tier of the same name around the same backend, which goes on running, on other terms."""
        tier = Tier(self.name, self.kind, self.backend, price, limits, energy)
        tier._running = self._running
        tier.pace = self.pace
        return tier

    @property
    def load(self) -> Load | None:
        """How busy the model is; None where the backend cannot say."""
        return self._running.backend.load

    def rates(self, input_token_count: int) -> Rates:
        """What an attempt is expected to take, as of now: as the model's load says, else as of late."""
        load = self.load
        expected = None if load is None else load.expect(input_token_count, self.gate.queued_count)
        if expected is None:
            first_token_s, token_s = self.pace.expected()
        else:
            first_token_s, token_s = expected.first_token_s, expected.token_s
        return Rates(
            self.price.input_usd_micros_per_million,
            self.price.output_usd_micros_per_million,
            first_token_s,
            token_s,
            self.energy.watts,
            self.energy.joules_per_token,
        )

    def output_token_limit(self, requested: int | None, input_token_count: int) -> int:
        """Most tokens that an attempt may generate, within the tier's limits and the model's context."""
        capabilities = self.backend.capabilities
        limits = [requested, self.limits.max_output_token_count, capabilities.max_output_token_count]
        limit = min(n for n in limits if n is not None)
        if capabilities.context_token_count is not None:
            limit = min(limit, capabilities.context_token_count - input_token_count)
        return limit

    def status(self) -> TierStatus:
        """Describe the tier as it is now."""
        capabilities = self.backend.capabilities
        return TierStatus(
            name=self.name,
            backend=self.kind,
            model=capabilities.model,
            ready=self.ready,
            external=capabilities.external,
            logprobs=capabilities.logprobs,
            context_token_count=capabilities.context_token_count,
            input_price_usd_micros_per_million=self.price.input_usd_micros_per_million,
            output_price_usd_micros_per_million=self.price.output_usd_micros_per_million,
            in_flight_count=self.gate.in_flight_count,
            queued_count=self.gate.queued_count,
            health=self.guard.health(),
            load=self.load,
            images=capabilities.images,
            tools=capabilities.tools,
        )
