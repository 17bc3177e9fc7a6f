"""Following a policy through what a log knows, and stopping where it does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.base import Answered, Candidate, Policy
from policies.cascade_routing import CascadeRouting, CascadeRoutingOptions
from policies.fixed import Fixed, FixedOptions
from policies.follow import Known, Path, follow
from policies.threshold import Threshold, ThresholdOptions

LADDER = ("edge", "local", "top")
CANDIDATES = tuple(
    Candidate(tier, quality, cost)
    for tier, quality, cost in zip(LADDER, (0.6, 0.8, 0.9), (1, 10, 100), strict=True)
)
CLIMB = Threshold(ThresholdOptions(min_confidence=0.8))


def known(**confidences: float) -> Known:
    answers = {tier: Answered(tier, 0.5, confidence) for tier, confidence in confidences.items()}
    return Known(CANDIDATES, answers, ladder=LADDER)


@pytest.mark.parametrize(
    ("confidences", "path"),
    [
        ({"edge": 0.9}, Path(("edge",), "edge")),
        ({"edge": 0.5, "local": 0.9}, Path(("edge", "local"), "local")),
        ({"edge": 0.5, "local": 0.5}, Path(("edge", "local", "top"), "top")),
        ({"edge": 0.5}, Path(("edge", "local"), None, "local")),
        ({}, Path(("edge",), None, "edge")),
    ],
)
def test_a_threshold_is_followed_as_far_as_answers_are_known(
    confidences: dict[str, float], path: Path
) -> None:
    """The last tier's answer is taken whatever it is, so it need not be known."""
    assert follow(CLIMB, known(**confidences)) == path


def test_a_fixed_tier_needs_no_answer() -> None:
    """Where it ends is known before it runs."""
    assert follow(Fixed(FixedOptions(tier="local")), known()) == Path(("local",), "local")


def test_no_tier_at_all_is_no_answer() -> None:
    """The policy gives up."""
    assert follow(CLIMB, Known((), {})) == Path((), None)


@given(st.tuples(*[st.floats(0.0, 1.0)] * 3), st.sampled_from([0, 1]))
def test_where_all_is_known_the_way_is_never_lost(confidences: tuple[float, ...], place: int) -> None:
    """Whatever the policy and the answers."""
    policies: tuple[Policy, ...] = (CLIMB, CascadeRouting(CascadeRoutingOptions(value_of_correct_usd=0.001)))
    path = follow(policies[place], known(**dict(zip(LADDER, confidences, strict=True))))
    assert path.lost_at is None
    assert path.chosen in path.tried
