"""Traces: what a model chose is what is written down, and generated ones have the locality asked for."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from backends.moe.experts.function import experts_of
from backends.moe.experts.modules import find_experts
from backends.moe.experts.policies import POLICIES
from backends.moe.traces.generator import LOCALITIES, Locality, generate, scaled
from backends.moe.traces.replay import hit_rate
from backends.moe.traces.routing import injected, recorded
from backends.moe.traces.trace import Trace, load_trace
from tests.backends.moe.conftest import Offloaded, Saved
from tests.backends.moe.mixtures import EXPERT_COUNT, LAYER_COUNT, TOP_K, eager

PROMPT = torch.tensor([[5, 17, 101, 33, 9, 77]])


def test_a_recording_holds_each_tokens_choices(saved: Saved, tmp_path: Path) -> None:
    """One line a token, whether it came in the prompt or by itself, and it survives a file."""
    model = eager(saved("qwen3_moe"))
    with recorded(find_experts(model).modules, EXPERT_COUNT) as recording, torch.inference_mode():
        model.generate(PROMPT, max_new_tokens=4, min_new_tokens=4, do_sample=False)
    trace = recording.trace()
    assert trace.choices.shape == (PROMPT.shape[1] + 3, LAYER_COUNT, TOP_K)
    trace.save(tmp_path / "trace.npz")
    assert np.array_equal(load_trace(tmp_path / "trace.npz").choices, trace.choices)


def test_recording_ends(saved: Saved) -> None:
    """Behind the block nothing is written down."""
    model = eager(saved("qwen3_moe"))
    with recorded(find_experts(model).modules, EXPERT_COUNT) as recording, torch.inference_mode():
        model(PROMPT)
    with torch.inference_mode():
        model(PROMPT)
    assert recording.trace().token_count == PROMPT.shape[1]


def test_an_injected_trace_is_what_experts_compute(saved: Saved, offloaded: Offloaded) -> None:
    """The model's own trace changes no bit; another one changes the logits."""
    folder = saved("qwen3_moe")
    model = eager(folder)
    modules = find_experts(model).modules
    with recorded(modules, EXPERT_COUNT) as recording, torch.inference_mode():
        expected = model(PROMPT).logits
    trace = recording.trace()
    other = Trace((trace.choices + 1) % EXPERT_COUNT, EXPERT_COUNT)
    with torch.inference_mode():
        with injected(modules, trace):
            assert torch.equal(model(PROMPT).logits, expected)
        with injected(modules, other):
            assert not torch.equal(model(PROMPT).logits, expected)
    assert experts_of(model) is None


def test_a_generated_trace_has_the_published_hit_rates() -> None:
    """LRU caches of the sizes that the curve names hit as it says, within 6 points."""
    locality = LOCALITIES["qwen3-30b"]
    trace = generate(locality, token_count=1500, layer_count=1, seed=3)
    for size, rate in locality.hit_rates.items():
        assert hit_rate(trace, size) == pytest.approx(rate, abs=0.06)


def test_generated_choices_are_distinct_and_repeatable() -> None:
    """A token never asks twice for an expert; the same seed gives the same trace."""
    locality = Locality(16, 4, {4: 0.5, 8: 0.8})
    first, second = (generate(locality, token_count=50, layer_count=2, seed=1) for _ in range(2))
    assert np.array_equal(first.choices, second.choices)
    assert all(len(set(choice)) == 4 for token in first.choices.tolist() for choice in token)


def test_a_curve_is_carried_over_by_share() -> None:
    """Half the experts, half the sizes, the same rates."""
    half = scaled(Locality(16, 4, {4: 0.5, 8: 0.8}), 8, 2)
    assert (half.expert_count, half.top_k, half.hit_rates) == (8, 2, {2: 0.5, 4: 0.8})


def single(experts: list[int]) -> Trace:
    """A trace of one layer and one choice a token."""
    return Trace(np.array(experts, np.int16).reshape(-1, 1, 1), 5)


@given(experts=st.lists(st.integers(0, 4), min_size=1, max_size=9), slot_count=st.integers(1, 4))
def test_nothing_beats_belady(experts: list[int], slot_count: int) -> None:
    """No policy of ours hits more often."""
    best = hit_rate(single(experts), slot_count, None)
    assert all(hit_rate(single(experts), slot_count, policy) <= best for policy in POLICIES)


@given(experts=st.lists(st.integers(0, 3), min_size=1, max_size=7))
def test_belady_is_the_best_of_all_ways_to_evict(experts: list[int]) -> None:
    """With two slots, trying every eviction finds no more hits."""
    found = hit_rate(single(experts), 2, None) * len(experts)
    best = 0
    for ways in product((0, 1), repeat=len(experts)):
        slots: list[int] = []
        hits = 0
        for expert, way in zip(experts, ways, strict=True):
            if expert in slots:
                hits += 1
                continue
            if len(slots) == 2:
                slots.pop(way)
            slots.append(expert)
        best = max(best, hits)
    assert found == pytest.approx(best)
