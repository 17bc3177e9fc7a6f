"""Statistics of an answer's beginning."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.types import Message, Prompt, Role, TokenLogprob
from policies.signals.base import Answer
from policies.signals.logprobs import Logprobs
from policies.signals.prefix import CHECKPOINTS, Prefix, PrefixStatistics, checkpoint_of

PROMPT = Prompt((Message(Role.USER, "Go."),))
NUMBERS = st.floats(-20.0, 0.0)


def answer(logprobs: list[float]) -> Answer:
    return Answer(PROMPT, "", tokens=tuple(TokenLogprob("x", value, entropy=-value) for value in logprobs))


@given(st.lists(NUMBERS, min_size=8, max_size=200))
def test_they_are_those_of_the_answer_cut_at_the_checkpoint(logprobs: list[float]) -> None:
    """Mean, minimum, worst window and entropy, as the whole answer's family measures them."""
    found = Prefix().measure(answer(logprobs))
    for count in (c for c in CHECKPOINTS if c <= len(logprobs)):
        whole = Logprobs().measure(answer(logprobs[:count]))
        for name in ("logprob_mean", "logprob_min", "logprob_worst_window", "entropy_mean"):
            assert found[f"prefix_{count}_{name}"] == pytest.approx(whole[name], abs=1e-9)


def test_an_answer_that_ends_before_a_checkpoint_has_none_of_it() -> None:
    """Absence means not known."""
    names = Prefix().measure(answer([-0.5] * 20))
    assert {checkpoint_of(name) for name in names} == {8, 16}
    assert Prefix().measure(answer([-0.5] * 7)) == {}


def test_odd_numbers_stay_finite() -> None:
    """-inf and NaN count as the floor."""
    found = Prefix().measure(answer([-math.inf, math.nan, *[-1.0] * 6]))
    assert all(math.isfinite(value) for value in found.values())
    assert found["prefix_8_logprob_min"] == -100.0


def test_running_statistics_know_when_they_are_asked() -> None:
    """At the checkpoints and nowhere else."""
    running = PrefixStatistics()
    asked = []
    for _ in range(130):
        running.add(TokenLogprob("x", -0.5))
        if running.is_at_checkpoint:
            asked.append(running.count)
    assert asked == [*CHECKPOINTS]


@pytest.mark.parametrize("name", ["logprob_mean", "prefix_", "prefix_x_mean", "prefixed"])
def test_other_names_have_no_checkpoint(name: str) -> None:
    """Whoever asks gets None."""
    assert checkpoint_of(name) is None
