"""The gate lets guesses through where they have been found to pay, and only there."""

from __future__ import annotations

from itertools import accumulate, repeat
from operator import mul

from hypothesis import given
from hypothesis import strategies as st

from backends.serving.speculation.gate import Gate
from backends.serving.speculation.proposer import Outlook

COUNTS = (1, 3, 7, 15)


def outlook(rate: float) -> Outlook:
    """Fifteen guesses, each right at ``rate`` where those before it are."""
    return tuple(accumulate(repeat(rate, 15), mul))


def written(rate: float, count: int) -> float:
    """Tokens that a step with ``count`` guesses writes on the average."""
    return 1.0 + sum(outlook(rate)[:count])


def measured(costs: dict[int, float], answers: int = 1) -> Gate:
    """A gate that knows what steps take, by the number of guesses, in units of one without."""
    gate = Gate()
    for _ in range(60):
        gate.note(answers, 0, 0.02)
        for count, cost in costs.items():
            gate.note(answers, count, 0.02 * cost)
    return gate


def test_guesses_nothing_before_it_knows_what_a_step_takes() -> None:
    """There is nothing to compare with yet."""
    assert Gate().choose([outlook(1.0)], 15) == 0


def test_tries_what_promises_much() -> None:
    """Sure guesses are let through before their cost is known; doubtful ones are not."""
    gate = Gate()
    gate.note(1, 0, 0.02)
    assert gate.choose([outlook(0.97)], 15) > 0
    assert gate.choose([outlook(0.3)], 15) == 0


RATES = st.floats(0.0, 1.0)
COSTS = st.tuples(*[st.floats(1.0, 40.0)] * 4).map(lambda costs: dict(zip(COUNTS, costs, strict=True)))


@given(RATES, COSTS)
def test_what_is_chosen_is_never_a_loss(rate: float, costs: dict[int, float]) -> None:
    """By the times it was told, whatever they are; and nothing much better is left lying."""
    gate = measured(costs)
    chosen = gate.choose([outlook(rate)], 15)
    gains = {count: written(rate, count) / costs[count] for count in COUNTS} | {0: 1.0}
    assert gains[chosen] >= 1.0
    assert gains[chosen] >= max(gains.values()) / 1.25


@given(st.integers(0, 15), st.lists(RATES, min_size=1, max_size=4))
def test_never_guesses_more_than_there_is_room_for(most: int, rates: list[float]) -> None:
    """Whatever is promised."""
    gate = measured(dict.fromkeys(COUNTS, 1.0), len(rates))
    assert gate.choose([outlook(rate) for rate in rates], most) <= most


def test_one_answer_does_not_pay_for_all() -> None:
    """Guesses for four cost four times as much, so one that is sure does not carry three that are not."""
    gate = measured({count: 1.0 + count for count in COUNTS}, answers=4)
    assert gate.choose([outlook(1.0), (), (), ()], 7) == 0


def test_a_disturbed_step_changes_little() -> None:
    """A time a hundred times too long, as when something else took the machine."""
    gate = measured(dict.fromkeys(COUNTS, 2.0))
    gate.note(1, 7, 2.0)
    assert gate.choose([outlook(0.9)], 7) == 7


def test_what_did_not_pay_is_tried_again_after_long() -> None:
    """Costs that are not measured any more are forgotten, over hundreds of steps."""
    gate = measured(dict.fromkeys(COUNTS, 30.0))
    steps = 0
    while not gate.choose([outlook(0.97)], 15):
        gate.note(1, 0, 0.02)
        steps += 1
        assert steps < 10_000
    assert steps > 200
