"""Which experts of a layer have a slot: pure bookkeeping, one instance a layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from backends.moe.experts.policies import Policy


@dataclass(frozen=True, slots=True)
class Plan:
    """Where the experts of one step are to be found.

    ``hits`` and ``admitted`` map experts to slots; the rows of ``admitted`` have yet to be fetched.
    ``passing`` found no slot: their rows are fetched for this step alone.
    """

    hits: dict[int, int]
    admitted: dict[int, int]
    passing: tuple[int, ...]


class LayerCache:
    """Experts of one layer in ``slots``; no expert of the current step is ever evicted."""

    def __init__(self, slots: Sequence[int], policy: Policy) -> None:
        self._free = list(reversed(slots))
        self._slots: dict[int, int] = {}
        self._policy = policy

    def plan(self, wanted: Sequence[int], *, evict: bool = True) -> Plan:
        """Give slots to ``wanted`` (distinct experts, the most important first).

        ``evict=False``: only slots that nobody has are given, so that a long prompt does not wash
        out what decoding has gathered.
        """
        hits = {expert: self._slots[expert] for expert in wanted if expert in self._slots}
        if evict:
            for expert in wanted:
                self._policy.used(expert)
        candidates = [expert for expert in self._slots if expert not in hits] if evict else []
        admitted: dict[int, int] = {}
        passing = []
        for expert in wanted:
            if expert in hits:
                continue
            if not self._free and candidates:
                self._evict(candidates)
            if self._free:
                admitted[expert] = self._slots[expert] = self._free.pop()
                self._policy.arrived(expert)
            else:
                passing.append(expert)
        return Plan(hits, admitted, tuple(passing))

    def forget(self, expert: int) -> None:
        """Free the slot of ``expert``: what was to be fetched into it did not come."""
        self._free.append(self._slots.pop(expert))

    @property
    def experts(self) -> frozenset[int]:
        """Experts that have a slot."""
        return frozenset(self._slots)

    def _evict(self, candidates: list[int]) -> None:
        victim = self._policy.victim(candidates)
        candidates.remove(victim)
        self.forget(victim)
