"""The seam between the core and those who look on: metrics, traces, logs, energy.

Decides when they are told. What they do with it never reaches the request, but for what was measured of it,
which they add to its events.
"""

from __future__ import annotations

from typing import Protocol

from router.events import Event
from router.journal import JournalEntry
from router.request import Request


class Observation(Protocol):
    """Looks on while one request is answered: ``heard`` for each event in order, then ``ended`` once.

    Neither may raise or wait. ``request`` is the one to be answered: the same, but that it may belong to
    another span of its trace.
    """

    @property
    def request(self) -> Request:
        """What is to be answered."""
        ...

    def heard(self, event: Event) -> Event:
        """Take note of ``event``; returns it, with what was measured of it where that is known."""
        ...

    def ended(self, entry: JournalEntry) -> None:
        """Take note of how the request ended, answered or not."""
        ...


class Observer(Protocol):
    """Looks on at every request that is planned."""

    def began(self, request: Request) -> Observation:
        """Begin to look on; leaves no trace where the request cannot be planned and nothing follows."""
        ...


class Unobserved:
    """Looks away."""

    __slots__ = ("request",)

    def __init__(self, request: Request) -> None:
        self.request = request

    def heard(self, event: Event) -> Event:
        """Return ``event`` as it is."""
        return event

    def ended(self, entry: JournalEntry) -> None:
        """Forget ``entry``."""


class Unobserving:
    """Looks on at nothing."""

    def began(self, request: Request) -> Observation:
        """Look away."""
        return Unobserved(request)
