"""What a cache makes of a trace: hits by policy, and by Belady's optimum, which knows the future."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence

from backends.moe.experts.cache import LayerCache
from backends.moe.experts.policies import POLICIES, PolicyName
from backends.moe.traces.trace import Trace

_Steps = list[list[int]]
_NEVER = 1 << 60


def hit_rate(trace: Trace, slot_count: int, policy: PolicyName | None = "lru") -> float:
    """Share of choices found in ``slot_count`` slots of each layer, one token a step; None: Belady's."""
    hits = total = 0
    for layer in range(trace.choices.shape[1]):
        steps: _Steps = trace.choices[:, layer].tolist()
        hits += _optimum(steps, slot_count) if policy is None else _hits(steps, slot_count, policy)
        total += sum(len(step) for step in steps)
    return hits / total


def _hits(steps: _Steps, slot_count: int, policy: PolicyName) -> int:
    cache = LayerCache(range(slot_count), POLICIES[policy]())
    return sum(len(cache.plan(step).hits) for step in steps)


def _optimum(steps: _Steps, slot_count: int) -> int:
    """Hits where whoever is needed last of all leaves (Belady 1966); experts of the step never leave."""
    uses: dict[int, list[int]] = defaultdict(list)
    for time, step in enumerate(steps):
        for expert in step:
            uses[expert].append(time)
    present: set[int] = set()
    hits = 0
    for time, step in enumerate(steps):
        hits += sum(expert in present for expert in step)
        for expert in step:
            if expert in present or not _make_room(present, step, slot_count, uses, time):
                continue
            present.add(expert)
    return hits


def _make_room(
    present: set[int], step: Sequence[int], slot_count: int, uses: dict[int, list[int]], time: int
) -> bool:
    if len(present) < slot_count:
        return True
    candidates = present.difference(step)
    if not candidates:
        return False
    present.remove(max(candidates, key=lambda expert: (_next_use(uses[expert], time), expert)))
    return True


def _next_use(times: list[int], now: int) -> int:
    place = bisect_right(times, now)
    return times[place] if place < len(times) else _NEVER
