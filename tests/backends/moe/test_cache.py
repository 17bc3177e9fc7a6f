"""Which experts of a layer have a slot."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.moe.experts.cache import LayerCache
from backends.moe.experts.policies import (
    POLICIES,
    LeastFrequentlyUsed,
    LeastRecentlyUsed,
    LeastStale,
    PolicyName,
)

STEPS = st.lists(st.lists(st.integers(0, 11), min_size=1, max_size=8, unique=True), max_size=30)
POLICY = pytest.mark.parametrize("policy", POLICIES)


@POLICY
@given(steps=STEPS, slot_count=st.integers(1, 12), evict=st.booleans())
def test_slots_are_never_shared_and_never_lost(
    policy: PolicyName, steps: list[list[int]], slot_count: int, evict: bool
) -> None:
    """Each step's experts have distinct slots of the layer's own, and hits are where they were put."""
    cache = LayerCache(range(100, 100 + slot_count), POLICIES[policy]())
    where: dict[int, int] = {}
    for wanted in steps:
        plan = cache.plan(wanted, evict=evict)
        given_slots = plan.hits | plan.admitted
        assert sorted([*given_slots, *plan.passing]) == sorted(wanted)
        assert len(set(given_slots.values())) == len(given_slots)
        assert set(given_slots.values()) <= set(range(100, 100 + slot_count))
        assert all(where[expert] == slot for expert, slot in plan.hits.items())
        where = {e: s for e, s in where.items() if s not in plan.admitted.values()} | plan.admitted
        assert cache.experts == frozenset(where)


@POLICY
@given(steps=STEPS, slot_count=st.integers(1, 12))
def test_an_expert_of_the_step_is_never_evicted(
    policy: PolicyName, steps: list[list[int]], slot_count: int
) -> None:
    """After a step, all of its experts are there, or as many as there are slots."""
    cache = LayerCache(range(slot_count), POLICIES[policy]())
    for wanted in steps:
        cache.plan(wanted)
        assert len(cache.experts & set(wanted)) == min(len(wanted), slot_count)


@POLICY
@given(steps=STEPS)
def test_a_prompt_evicts_nobody(policy: PolicyName, steps: list[list[int]]) -> None:
    """Without eviction whoever is there stays."""
    cache = LayerCache(range(4), POLICIES[policy]())
    before: frozenset[int] = frozenset()
    for wanted in steps:
        cache.plan(wanted, evict=False)
        assert before <= cache.experts
        before = cache.experts


def test_the_most_important_are_admitted_first() -> None:
    """Where slots are short, those named last pass by."""
    plan = LayerCache(range(2), LeastRecentlyUsed()).plan([7, 3, 5])
    assert (list(plan.admitted), plan.passing) == ([7, 3], (5,))


def test_lru_lets_go_whose_use_is_longest_ago() -> None:
    """A hit makes an expert young again."""
    cache = LayerCache(range(2), LeastRecentlyUsed())
    for wanted in ([1], [2], [1], [3]):
        cache.plan(wanted)
    assert cache.experts == {1, 3}


def test_lfu_lets_go_who_is_used_least() -> None:
    """An expert used often survives one used lately."""
    cache = LayerCache(range(2), LeastFrequentlyUsed())
    for wanted in ([1], [1], [2], [3]):
        cache.plan(wanted)
    assert cache.experts == {1, 3}


def test_least_stale_lets_go_who_came_first() -> None:
    """A hit does not make an expert young."""
    cache = LayerCache(range(2), LeastStale())
    for wanted in ([1], [2], [1], [3]):
        cache.plan(wanted)
    assert cache.experts == {2, 3}


def test_old_fame_fades() -> None:
    """LFU halves its counts, so that an expert of yesterday leaves in the end."""
    policy = LeastFrequentlyUsed()
    for expert in [1] * 10 + [2] * 6000 + [3] * 20:
        policy.used(expert)
    assert policy.victim([1, 3]) == 1


def test_a_forgotten_expert_frees_its_slot() -> None:
    """What did not come is not there."""
    cache = LayerCache(range(1), LeastRecentlyUsed())
    cache.plan([1])
    cache.forget(1)
    assert cache.plan([2]).admitted == {2: 0}
