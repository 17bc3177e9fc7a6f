"""A tier at run time: a backend with a name, a price, limits, and a door that admits so many.

Decides what an attempt costs and who waits. Refuses to know of prompts, policies and requests.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from backends.base import Backend, Loaded
from backends.errors import Overloaded, TimedOut
from backends.load import Load
from backends.types import Usage
from policies.costs import Rates
from router.pace import Pace

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

    ``typical_latency_s`` is the time that cheaper tiers keep back for this one when a deadline is near.
    """

    concurrency: int = 8
    queue: int = 256
    timeout_s: float = 60.0
    max_output_token_count: int | None = None
    typical_latency_s: float = 1.0


@dataclass(frozen=True, slots=True)
class Energy:
    """What one attempt draws while it runs, in watts, and what each of its tokens takes, in joules."""

    watts: float = 0.0
    joules_per_token: float = 0.0


class Gate:
    """Lets ``concurrency`` in, lets ``queue`` wait in order, and turns the others away at once."""

    def __init__(self, concurrency: int, queue: int) -> None:
        self._semaphore = asyncio.Semaphore(concurrency)
        self._queue = queue
        self.in_flight_count = 0
        self.queued_count = 0

    @asynccontextmanager
    async def admit(self, timeout_s: float) -> AsyncIterator[None]:
        """Wait for a place.

        Raises Overloaded at once where even the queue is full, and TimedOut after ``timeout_s``.
        """
        if self._semaphore.locked() and self.queued_count >= self._queue:
            raise Overloaded(f"{self.in_flight_count} requests run and {self.queued_count} wait; try later")
        if self._semaphore.locked():
            await self._wait(timeout_s)
        else:
            await self._semaphore.acquire()  # returns at once, so it needs no timer
        self.in_flight_count += 1
        try:
            yield
        finally:
            self.in_flight_count -= 1
            self._semaphore.release()

    async def _wait(self, timeout_s: float) -> None:
        self.queued_count += 1
        try:
            async with asyncio.timeout(timeout_s):
                await self._semaphore.acquire()
        except TimeoutError as exc:
            raise TimedOut(f"waited {timeout_s:.3f} s in a queue of {self.queued_count}") from exc
        finally:
            self.queued_count -= 1


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
    load: Load | None = None


class Tier:
    """One rung of a ladder. ``pace`` is how fast it answers of late."""

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
        self.backend = backend
        self.price = price
        self.limits = limits
        self.energy = energy or Energy()
        self.pace = Pace(limits.typical_latency_s)
        self.gate = Gate(limits.concurrency, limits.queue)
        self.ready = False

    @property
    def load(self) -> Load | None:
        """How busy the model is; None where the backend cannot say."""
        load = self.backend.load if isinstance(self.backend, Loaded) else None
        # One of somebody else may have something else of that name.
        return load if isinstance(load, Load) else None

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
            load=self.load,
        )
