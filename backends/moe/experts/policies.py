"""Which expert goes when a slot is wanted: least recently used, least frequently used, least stale.

Pure: no clock, no memory, one instance a layer. Add a policy: a class here, a name in ``POLICIES``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from typing import Literal, Protocol

PolicyName = Literal["lru", "lfu", "least_stale"]


class Policy(Protocol):
    """Remembers how experts of one layer are used.

    ``used`` is called once a step for every expert that the step asks for, present or not, then
    ``arrived`` for each that takes a slot. ``victim`` changes nothing.
    """

    def used(self, expert: int) -> None:
        """Hear that the step needs ``expert``."""
        ...

    def arrived(self, expert: int) -> None:
        """Hear that ``expert`` has a slot from now on."""
        ...

    def victim(self, candidates: Collection[int]) -> int:
        """Choose who leaves among ``candidates``, at least one, all of which have arrived."""
        ...


class LeastRecentlyUsed:
    """Lets go whose last use is longest ago."""

    def __init__(self) -> None:
        self._time = 0
        self._last: dict[int, int] = {}

    def used(self, expert: int) -> None:
        """See :class:`Policy`."""
        self._time += 1
        self._last[expert] = self._time

    def arrived(self, expert: int) -> None:
        """See :class:`Policy`."""

    def victim(self, candidates: Collection[int]) -> int:
        """See :class:`Policy`."""
        return min(candidates, key=lambda expert: (self._last.get(expert, 0), expert))


class LeastFrequentlyUsed:
    """Lets go who was used least often; counts are halved now and then, so that old fame fades."""

    # Uses of a layer between two halvings: some hundred tokens at 8 experts a token.
    _HALVING = 4096

    def __init__(self) -> None:
        self._uses: Counter[int] = Counter()
        self._recency = LeastRecentlyUsed()
        self._until_halving = self._HALVING

    def used(self, expert: int) -> None:
        """See :class:`Policy`."""
        self._recency.used(expert)
        self._uses[expert] += 1
        self._until_halving -= 1
        if self._until_halving == 0:
            self._until_halving = self._HALVING
            self._uses = Counter({known: count // 2 for known, count in self._uses.items() if count > 1})

    def arrived(self, expert: int) -> None:
        """See :class:`Policy`."""

    def victim(self, candidates: Collection[int]) -> int:
        """See :class:`Policy`; among equals the one whose last use is longest ago."""
        fewest = min(self._uses[expert] for expert in candidates)
        return self._recency.victim([expert for expert in candidates if self._uses[expert] == fewest])


class LeastStale:
    """First in, first out among those that the step does not use.

    What is left of Least-Stale (Hoang et al. 2026, arXiv 2602.03921, section 4) where every layer
    has slots of its own: its order by layers has nothing to choose between.
    """

    def __init__(self) -> None:
        self._time = 0
        self._arrival: dict[int, int] = {}

    def used(self, expert: int) -> None:
        """See :class:`Policy`."""

    def arrived(self, expert: int) -> None:
        """See :class:`Policy`."""
        self._time += 1
        self._arrival[expert] = self._time

    def victim(self, candidates: Collection[int]) -> int:
        """See :class:`Policy`."""
        return min(candidates, key=lambda expert: (self._arrival.get(expert, 0), expert))


POLICIES: dict[PolicyName, Callable[[], Policy]] = {
    "lru": LeastRecentlyUsed,
    "lfu": LeastFrequentlyUsed,
    "least_stale": LeastStale,
}
