"""Fixed and mix: the policies that know nothing."""

from __future__ import annotations

from collections import Counter

import pytest
from pydantic import ValidationError

from policies.base import Accept, Answered, Candidate, State, Stop, Try
from policies.fixed import Fixed, FixedOptions
from policies.mix import Mix, MixOptions

EDGE = Candidate("edge", 0.5, 1.0)
LOCAL = Candidate("local", 0.7, 10.0)
TOP = Candidate("top", 0.9, 100.0)
LADDER = ("edge", "local", "top")


def test_fixed_tries_its_tier_and_accepts_whatever_it_says() -> None:
    """Confidence does not matter to a fixed policy."""
    policy = Fixed(FixedOptions(tier="local"))
    assert policy.decide(State((EDGE, LOCAL, TOP))) == Try("local", "fixed")
    assert policy.decide(State((EDGE, TOP), (Answered("local", 0.7, 0.01),))) == Accept(0, "answered")


def test_fixed_stops_when_its_tier_cannot_be_tried() -> None:
    """Nothing else is asked unless falling back is allowed."""
    assert Fixed(FixedOptions(tier="local")).decide(State((EDGE, TOP))) == Stop("no_tier_left")


def test_fixed_falls_back_upwards_only() -> None:
    """A weaker tier never stands in silently for a stronger one."""
    policy = Fixed(FixedOptions(tier="local", fall_back=True))
    assert policy.decide(State((EDGE, TOP), ladder=LADDER)) == Try("top", "fall_back")
    assert policy.decide(State((EDGE,), ladder=LADDER)) == Stop("no_tier_left")


def test_mix_draws_tiers_by_weight() -> None:
    """Evenly spread draws give tiers in proportion to their weights."""
    policy = Mix(MixOptions(weights={"edge": 3.0, "top": 1.0}))
    verdicts = [policy.decide(State((EDGE, LOCAL, TOP), draw=step / 100)) for step in range(100)]
    assert Counter(verdict.tier for verdict in verdicts if isinstance(verdict, Try)) == {
        "edge": 75,
        "top": 25,
    }


def test_mix_draws_from_what_can_be_tried() -> None:
    """A tier that cannot be tried leaves its share to the others; unnamed tiers get none."""
    policy = Mix(MixOptions(weights={"edge": 3.0, "top": 1.0}))
    assert policy.decide(State((LOCAL, TOP), draw=0.0)) == Try("top", "mix")
    assert policy.decide(State((LOCAL,), draw=0.0)) == Stop("no_tier_left")


@pytest.mark.parametrize("options", [{"tier": ""}, {"tier": "a", "unknown": 1}, {}])
def test_options_refuse_what_they_do_not_know(options: dict[str, object]) -> None:
    """An unknown, empty or missing key is an error, not a default."""
    with pytest.raises(ValidationError):
        FixedOptions.model_validate(options)
