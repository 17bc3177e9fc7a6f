"""What is worth knowing of an answer, and in which order it is found out."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from policies.base import Accept, Answered, Candidate, State, Stop, Try, Verdict
from policies.fixed import Fixed, FixedOptions
from policies.foresight import is_open
from policies.registry import SIGNALS
from policies.signals.base import Answer
from policies.signals.order import ALWAYS_US, in_order, measure_while
from policies.threshold import Threshold, ThresholdOptions
from policies.worth_running import worth_running
from tests.policies.test_checked_signals import asked

TOP = Candidate("top", 0.9, 100.0)
VERDICTS = st.sampled_from([Try("top", "a"), Try("mid", "b"), Accept(0, "c"), Accept(1, "d"), Stop("e")])


def cost_of(verdict: Verdict) -> float:
    return 100.0 if isinstance(verdict, Try) else 0.0


class Costly:
    """A signal that tells that it ran."""

    name = "costly"
    cost_us = 10.0 * ALWAYS_US
    refutes = False

    def measure(self, answer: Answer) -> Mapping[str, float]:
        del answer
        return {"ran": 1.0}


class Refuting(Costly):
    """A validator that refutes everything."""

    name = "refuting"
    cost_us = 1.0
    refutes = True

    def measure(self, answer: Answer) -> Mapping[str, float]:
        del answer
        return {"form_valid": 0.0}


@given(verdict=VERDICTS, cost=st.floats(0.0, 1e6))
def test_what_cannot_change_what_is_done_is_worth_nothing(verdict: Verdict, cost: float) -> None:
    """However cheap; a verdict's reason is not what is done."""
    assert not worth_running([verdict, verdict], cost, cost_of)
    assert not worth_running([Try("top", "one"), Try("top", "other")], cost, cost_of)


@given(cost=st.floats(0.0, 200.0))
def test_it_must_cost_less_than_the_decision_it_could_change(cost: float) -> None:
    """A signal as dear as the tier that it might save is passed over."""
    assert worth_running([Try("top", ""), Accept(0, "")], cost, cost_of) == (cost < 100.0)


def test_what_is_free_need_only_change_something() -> None:
    """Between two free tiers a free look is worth it."""
    assert worth_running([Accept(0, ""), Accept(1, "")], 0.0, cost_of)
    assert not worth_running([Accept(0, ""), Accept(1, "")], 1.0, cost_of)


def test_an_answer_is_open_while_a_tier_is_left_that_confidence_may_call_for() -> None:
    """A fixed policy never looks, and with nothing left to try nothing is open."""
    answered = (Answered("edge", 0.6, None),)
    threshold = Threshold(ThresholdOptions(min_confidence=0.8))
    assert is_open(threshold, State((TOP,), answered), 1.0)
    assert not is_open(threshold, State((TOP,), answered), 100.0)
    assert not is_open(threshold, State((), answered), 0.0)
    assert not is_open(Fixed(FixedOptions(tier="edge")), State((TOP,), answered), 0.0)


def test_validators_come_first_then_what_is_cheap() -> None:
    """A proof settles all else."""
    ordered = in_order([SIGNALS.load(name)() for name in SIGNALS.names()])
    assert [signal.name for signal in ordered if signal.refutes] == [s.name for s in ordered[:3]]
    costs = [signal.cost_us for signal in ordered[3:]]
    assert costs == sorted(costs)
    assert min(costs) > 0.0


def test_costly_signals_wait_until_they_can_matter() -> None:
    """They run where they are worth it, and never on an answer that was refuted."""
    answer = asked("?", "x")
    assert measure_while([Costly()], answer, lambda _: True) == {"ran": 1.0}
    assert measure_while([Costly()], answer, lambda _: False) == {}
    assert measure_while(in_order([Costly(), Refuting()]), answer, lambda _: True) == {"form_valid": 0.0}


def test_cheap_signals_are_always_measured() -> None:
    """What costs next to nothing is kept for learning, whatever it could change now."""
    cheap = SIGNALS.load("shape")()
    assert measure_while([cheap], asked("?", "x"), lambda _: False) == cheap.measure(asked("?", "x"))
