"""Experts computed from slots that the host manages.

The host sees the routing, has missing rows fetched, and computes what is there meanwhile. Right on
a processor, and on a GPU for experts so coarse that copying one takes longer than the host's work.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import torch

from backends.moe.errors import CannotOffload
from backends.moe.experts.cache import LayerCache, Plan
from backends.moe.experts.movers import mover_for, new_arena
from backends.moe.experts.policies import POLICIES, PolicyName
from backends.moe.experts.stats import LittleMass, OffloadStats
from backends.moe.experts.step import Step
from backends.moe.store.tiers import Tier

# Longer inputs are prompts: they use what is cached and free slots, and evict nobody.
_STEP_TOKEN_COUNT = 64
# Slots in which rows pass by that have no slot of their own: one is computed while others fill.
PASSING_SLOT_COUNT = 4


@dataclass(frozen=True, slots=True)
class Residency:
    """How experts are kept.

    ``slot_count`` slots of each layer; who goes first; and below which gate share a miss may be
    computed from the top plane alone (None: never).
    """

    slot_count: int
    policy: PolicyName = "lru"
    little_below: float | None = None


class HostManagedExperts:
    """The experts of all layers of a model; ``compute`` stands in for a layer's own forward."""

    captured_token_count = 0

    def __init__(self, tier: Tier, residency: Residency, device: str) -> None:
        self.stats = OffloadStats()
        self.little_mass = LittleMass(tier.shape.layer_count)
        self._tier = tier
        self._shape = tier.shape
        self._residency = residency
        self._little_below = residency.little_below
        count = residency.slot_count
        owned = count * tier.shape.layer_count
        self._arena = new_arena(owned + PASSING_SLOT_COUNT, tier.shape.layout.byte_count, device)
        self._passing_slots = range(owned, owned + PASSING_SLOT_COUNT)
        self._mover = mover_for(tier, self._arena)
        make_policy = POLICIES[residency.policy]
        self._caches = [
            LayerCache(range(first, first + count), make_policy()) for first in range(0, owned, count)
        ]
        self._little_slots: set[int] = set()

    @property
    def arena_byte_count(self) -> int:
        """Bytes that slots take on the device."""
        return self._arena.nbytes

    def compute(
        self, layer: int, module: Any, hidden: torch.Tensor, routing: tuple[torch.Tensor, torch.Tensor]
    ) -> torch.Tensor:
        """Compute experts for ``hidden`` (rows, hidden size); ``routing``: index and weights, (rows, top_k).

        Returns what the module's own forward would. Raises CannotOffload where a row cannot be read.
        """
        if layer == 0:
            self.stats.step_count += 1
            self.little_mass.begin(len(hidden))
        step = Step(layer, module, hidden, *routing, self._shape.expert_count)
        outputs = {}
        try:
            for expert, slot in self._ready(step):
                outputs[expert] = self._output_of(step, expert, slot)
                self._mover.release(slot)
        except OSError as exc:
            raise CannotOffload(
                f"a row of experts cannot be read ({exc}); look at the disk that holds the store"
            ) from exc
        return step.total(outputs)

    @property
    def has_little(self) -> bool:
        """Whether an expert is ever little."""
        return self._residency.little_below is not None

    @contextmanager
    def whole(self) -> Iterator[None]:
        """Let no further expert be little until the block ends."""
        self._little_below = None
        try:
            yield
        finally:
            self._little_below = self._residency.little_below

    @property
    def row_byte_count(self) -> int:
        """Bytes of all experts' rows."""
        return self._shape.byte_count

    def close(self) -> None:
        """End the copying, give the slots up, close the rows' tier."""
        self._mover.close()
        self._arena = torch.empty(0)
        self._tier.close()

    def _ready(self, step: Step) -> Iterator[tuple[int, int]]:
        """Yield experts with the slots they are in, those present first, while others are on their way."""
        cache = self._caches[step.layer]
        wanted = step.by_importance(self._residency.slot_count)
        plan = cache.plan(wanted, evict=len(step.hidden) <= _STEP_TOKEN_COUNT)
        upgraded = {expert: slot for expert, slot in plan.hits.items() if slot in self._little_slots}
        self._count(plan, upgraded)
        try:
            self._fetch_admitted(step, plan)
            for expert, slot in upgraded.items():
                self._little_slots.discard(slot)
                self._fetch(step.layer, expert, slot, self._rest)
            yield from ((expert, slot) for expert, slot in plan.hits.items() if expert not in upgraded)
            for expert, slot in (plan.admitted | upgraded).items():
                self._mover.wait(slot)
                yield expert, slot
        except BaseException:
            self._forget(cache, plan.admitted | upgraded)
            raise
        yield from self._passing(step.layer, plan.passing)

    def _fetch_admitted(self, step: Step, plan: Plan) -> None:
        tau = self._little_below
        for expert, slot in plan.admitted.items():
            self._little_slots.discard(slot)
            # Little where no token gives it a share from tau on.
            if tau is not None and self._rest.start < self._rest.stop and step.largest_share(expert) < tau:
                self._little_slots.add(slot)
                self._fetch(step.layer, expert, slot, slice(0, self._rest.start))
            else:
                self._fetch(step.layer, expert, slot, slice(0, self._rest.stop))

    def _passing(self, layer: int, experts: Sequence[int]) -> Iterator[tuple[int, int]]:
        """Yield experts that have no slot of their own, in slots that are used again and again."""
        flying: deque[tuple[int, int]] = deque()
        idle = deque(self._passing_slots)
        coming = deque(experts)
        try:
            while coming or flying:
                while coming and idle:
                    flying.append((coming.popleft(), idle.popleft()))
                    self._fetch(layer, *flying[-1], slice(0, self._rest.stop))
                expert, slot = flying.popleft()
                self._mover.wait(slot)
                yield expert, slot
                idle.append(slot)
        except BaseException:
            self._settle([slot for _, slot in flying])
            raise

    def _fetch(self, layer: int, expert: int, slot: int, span: slice) -> None:
        self.stats.moved_byte_count += span.stop - span.start
        self._mover.start(layer, expert, span, slot)

    @property
    def _rest(self) -> slice:
        """Bytes of a row that a little expert lacks."""
        return slice(self._shape.layout.little_byte_count, self._shape.layout.byte_count)

    def _forget(self, cache: LayerCache, slots: dict[int, int]) -> None:
        """Take back what was promised: its rows did not all come."""
        self._settle(list(slots.values()))
        for expert in slots:
            cache.forget(expert)

    def _settle(self, slots: Sequence[int]) -> None:
        for slot in slots:
            with suppress(OSError, CannotOffload):
                self._mover.wait(slot)
            self._little_slots.discard(slot)

    def _count(self, plan: Plan, upgraded: dict[int, int]) -> None:
        self.stats.hit_count += len(plan.hits)
        self.stats.miss_count += len(plan.admitted) + len(plan.passing)
        self.stats.upgrade_count += len(upgraded)

    def _output_of(self, step: Step, expert: int, slot: int) -> torch.Tensor:
        little = slot in self._little_slots
        if little:
            self.stats.little_count += 1
            self.little_mass.add(step.uses[expert].rows, step.shares_of(expert))
        return step.output_of(expert, self._shape.layout, self._arena[slot], little=little)
