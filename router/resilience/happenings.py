"""What protects a tier tells about itself, for metrics and logs: small facts, and who listens.

Whoever wants them calls ``Listeners.add``; nothing here knows a metrics library.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from router.resilience.breaker import Circuit

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CircuitMoved:
    """The tier's circuit opened or closed."""

    tier: str
    circuit: Circuit


@dataclass(frozen=True, slots=True)
class LimitMoved:
    """So many calls may run at once from now on."""

    tier: str
    limit: int


@dataclass(frozen=True, slots=True)
class CallTurnedAway:
    """A call never reached the tier. ``why``: as in ``TurnedAway``, or ``circuit_open``."""

    tier: str
    why: str
    priority: int


@dataclass(frozen=True, slots=True)
class CallRepeated:
    """A call that failed for ``reason`` is made again after ``wait_s``."""

    tier: str
    reason: str
    wait_s: float


@dataclass(frozen=True, slots=True)
class CallHedged:
    """A second call was made beside one that had no token after ``delay_s``."""

    tier: str
    delay_s: float


@dataclass(frozen=True, slots=True)
class HedgeEnded:
    """Of two calls side by side one was kept; ``won``: the second."""

    tier: str
    won: bool


Happening = CircuitMoved | LimitMoved | CallTurnedAway | CallRepeated | CallHedged | HedgeEnded
Listener = Callable[[Happening], None]


class Listeners:
    """Those who listen. One that breaks is logged, and hurts nobody else."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []

    def add(self, listener: Listener) -> None:
        """Tell ``listener`` everything from now on; it must return at once."""
        self._listeners.append(listener)

    def tell(self, happening: Happening) -> None:
        """Tell everybody."""
        for listener in self._listeners:
            try:
                listener(happening)
            except Exception as error:  # noqa: BLE001  a listener with a bug must not fail a request
                _LOG.error("a listener broke: an unforeseen %s", type(error).__name__)
