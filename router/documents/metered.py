"""Asking the tiers with what is left of a document's money."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from router.documents.asker import Asker
from router.events import Event, Result
from router.request import Request
from router.tiers import TierStatus


class MeteredAsker:
    """Lets requests spend ``money_usd_micros`` together, one after the other; None: no limit."""

    def __init__(self, asker: Asker, money_usd_micros: float | None) -> None:
        self._asker = asker
        self._left = money_usd_micros

    def tiers(self) -> tuple[TierStatus, ...]:
        """The tiers of the asker behind it."""
        return self._asker.tiers()

    async def run(self, request: Request) -> AsyncGenerator[Event]:
        """Answer within what is left, and book what the answer cost. Raises RoutingError."""
        if self._left is not None:
            asked = request.constraints.max_cost_usd_micros
            most = int(self._left) if asked is None else min(asked, int(self._left))
            request = replace(request, constraints=replace(request.constraints, max_cost_usd_micros=most))
        async with aclosing(self._asker.run(request)) as events:
            async for event in events:
                if isinstance(event, Result) and self._left is not None:
                    self._left = max(self._left - event.cost_usd_micros, 0.0)
                yield event


def metered(asker: Asker, max_cost_usd_micros: float | None, spent_usd_micros: float) -> MeteredAsker:
    """The asker with what is left of the most that a document may cost."""
    left = None if max_cost_usd_micros is None else max(max_cost_usd_micros - spent_usd_micros, 0.0)
    return MeteredAsker(asker, left)
