"""A router that is looked on at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from router.observe.run import Run
from router.observe.watch import Sight, Watch
from router.request import Request
from router.tiers import Tier
from tests.router.conftest import House


@dataclass
class Steps:
    """A clock that goes on by a second at every look."""

    now_s: float = 0.0

    def __call__(self) -> float:
        self.now_s += 1.0
        return self.now_s


@dataclass
class Seen:
    """Answers requests over ``tiers`` and keeps what is told of them."""

    tiers: list[Tier]
    sight: Sight = field(default_factory=Sight)
    runs: list[Run] = field(default_factory=list)
    clock: Callable[[], float] | None = None

    async def run(self, request: Request) -> Run:
        """Answer ``request``; return what was told of it, also where it failed."""
        watch = Watch(self.sight, **({} if self.clock is None else {"clock": self.clock, "now": lambda: 1e9}))
        watch.look_at(self.tiers)
        watch.listen(self.runs.append)
        router = House(self.tiers).router()
        router.observe(watch)
        self.watch = watch
        self.events = [event async for event in router.run(request)]
        return self.runs[-1]
