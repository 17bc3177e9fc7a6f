"""The certified rule: the top tier without a certificate, the tested decisions under one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from policies.base import Accept, Answered, Candidate, State, Stop, Try
from policies.cascade_routing import CascadeRouting, CascadeRoutingOptions
from policies.certified import Certified, CertifiedOptions
from policies.guarantee.certificate import Setting

LADDER = ("edge", "local", "top")
EDGE, LOCAL, TOP = (
    Candidate("edge", 0.6, 20.0),
    Candidate("local", 0.8, 100.0),
    Candidate("top", 0.95, 1000.0),
)
RULE = Certified(CertifiedOptions(max_loss=0.02))
SETTING = Setting(LADDER, (20.0, 100.0, 1000.0), 0.005)


def test_without_a_certificate_the_top_tier_answers() -> None:
    """However sure cheaper tiers seem."""
    assert RULE.decide(State((EDGE, LOCAL, TOP), ladder=LADDER)) == Try("top", "fixed")
    answered = (Answered("top", 0.95, 0.1),)
    assert RULE.decide(State((EDGE, LOCAL), answered, ladder=LADDER)) == Accept(0, "answered")


def test_where_the_top_cannot_be_tried_the_next_best_stands_in() -> None:
    """It says so; with no tier left it stops."""
    assert RULE.decide(State((EDGE, LOCAL), ladder=LADDER)) == Try("local", "fall_back")
    assert RULE.decide(State((), ladder=LADDER)) == Stop("no_tier_left")


@given(st.floats(0.0, 1.0), st.floats(1.0, 1e6))
def test_todays_prices_do_not_change_tested_decisions(confidence: float, price: float) -> None:
    """Tiers cost what they did in the test, so that what is served is what was certified."""
    dear = tuple(Candidate(c.tier, c.quality, price * c.cost_usd_micros) for c in (LOCAL, TOP))
    answered = (Answered("edge", 0.6, confidence),)
    tested = CascadeRouting(CascadeRoutingOptions(value_of_correct_usd=0.005, min_gain=0.0))
    expected = tested.decide(State((LOCAL, TOP), answered, ladder=LADDER))
    assert RULE.under(SETTING).decide(State(dear, answered, ladder=LADDER)) == expected


def test_the_floor_of_the_test_holds() -> None:
    """A policy that was tested with a floor is served with it; a caller's own can only be higher."""
    floored = Setting(LADDER, SETTING.costs_usd_micros, 1e-9, min_confidence=0.9)
    unsure = State((TOP,), (Answered("edge", 0.6, 0.8),), ladder=LADDER)
    assert RULE.under(floored).decide(unsure) == Try("top", "low_confidence")
