"""Simulation from a journal: right where the log can tell, and a refusal where it cannot."""

from __future__ import annotations

import numpy as np
import pytest

from policies.bootstrap import Figure
from router.simulate import SimulationError
from router.simulate.from_log import simulate_journal
from router.simulate.logged import traffic_of
from router.simulate.result import Measure
from tests.router.simulate.made_up import (
    COSTS,
    certified_log,
    mixed_log,
    proposal,
    record,
    threshold,
    world,
)

RUNS = 60
"""Of which an interval that holds in 95 % holds in fewer than 51 once in a thousand times."""


def holds(figure: Figure, truth: float) -> bool:
    assert figure.low is not None
    assert figure.high is not None
    return figure.low <= truth <= figure.high


@pytest.mark.parametrize("overconfident", [False, True])
def test_a_safer_policy_is_told_from_audits_of_a_bolder_one(overconfident: bool) -> None:
    """What it keeps was kept, and what it sends up loses nothing; a wrong model is put right by audits."""
    truth = {False: 0.27 - (1 - 0.49) / 2, True: 0.27 - (1 - 0.7**3) / 3}[overconfident]
    values, held = [], 0
    for seed in range(RUNS):
        found = simulate_journal(
            certified_log(world(1000, seed, overconfident=overconfident)), threshold(0.7)
        )
        assert (found.refusals, found.measure) == ((), Measure.LOSS)
        assert found.new.outcome.value is not None
        values.append(found.new.outcome.value)
        held += holds(found.new.outcome, truth)
    assert np.mean(values) == pytest.approx(truth, abs=4 * np.std(values) / RUNS**0.5)
    assert held / RUNS >= 0.85


def test_the_model_alone_is_told_apart_and_may_be_wrong() -> None:
    """An overconfident edge deceives it, and the audits do not let it."""
    found = simulate_journal(certified_log(world(6000, 1, overconfident=True)), threshold(0.5))
    truth = 0.45 - (1 - 0.5**3) / 3
    assert not holds(found.new.estimates["direct"], truth)
    assert holds(found.new.estimates["doubly_robust"], truth)
    assert holds(found.new.estimates["self_normalised"], truth)


def test_the_policy_that_was_there_changes_nothing() -> None:
    """Neither in cost nor in what is lost."""
    found = simulate_journal(certified_log(world(2000, 3)), threshold(0.5))
    assert found.cost_change == Figure(0.0, 0.0, 0.0)
    assert found.outcome_change.value == pytest.approx(0.0, abs=1e-12)
    assert found.old.answered == pytest.approx(found.new.answered)


def test_costs_are_those_that_were_paid_and_else_predicted() -> None:
    """A prediction of half the price is put right by what the tier cost elsewhere."""
    found = simulate_journal(certified_log(world(4000, 4)), threshold(0.8))
    expected = (COSTS["edge"] + 0.8 * COSTS["top"]) / 1e6
    assert found.new.cost_usd.value == pytest.approx(expected, rel=0.03)
    assert found.old.cost_usd.value == pytest.approx((10 + 0.5 * 1000) / 1e6, rel=0.05)


def test_a_bolder_policy_is_refused() -> None:
    """It keeps answers that the log rejected, which nobody held against the top's."""
    found = simulate_journal(certified_log(world(3000, 5)), threshold(0.3))
    assert found.new.outcome.value is None
    assert found.outcome_change.value is None
    assert found.old.outcome.value is not None
    (refusal,) = found.refusals
    assert "edge on 1" in refusal or "edge on 2" in refusal
    assert "collect" in refusal
    assert set(found.new.estimates) == {"direct"}


def test_a_policy_without_the_top_tier_is_still_held_against_it() -> None:
    """The model knows what the top would have been worth; nobody saw what was lost where it served."""
    found = simulate_journal(
        certified_log(world(3000, 9)), proposal("{rule: fixed, tier: edge}", ladder="edge")
    )
    assert found.new.estimates["direct"].value == pytest.approx(0.4, abs=0.03)
    assert found.refusals
    assert found.new.cost_usd.value == pytest.approx(10e-6)


def test_a_little_that_cannot_be_seen_widens_the_interval_by_its_share() -> None:
    """The most that can hide there."""
    found = simulate_journal(certified_log(world(3000, 6)), threshold(0.48))
    assert found.support is not None
    assert 0.0 < found.support.unseen_share < 0.05
    assert found.refusals == ()
    outcome, seen = found.new.outcome, simulate_journal(certified_log(world(3000, 6)), threshold(0.5))
    assert outcome.low is not None
    assert outcome.high is not None
    assert seen.new.outcome.low is not None
    assert seen.new.outcome.high is not None
    wider = (outcome.high - outcome.low) - (seen.new.outcome.high - seen.new.outcome.low)
    assert wider == pytest.approx(2 * found.support.unseen_share, rel=0.3)


def test_too_few_audits_say_how_many_more() -> None:
    """At least so many to speak at all, and about so many for a point."""
    found = simulate_journal(certified_log(world(1000, 7), audit_rate=0.03), threshold(0.7))
    assert found.support is not None
    count = found.support.label_count
    (refusal,) = found.refusals
    assert 0 < count < 50
    assert f"{count} audits tell of it, {50 - count} more are needed at least" in refusal
    assert found.support.labels_needed > 500


def test_a_log_without_audits_and_scores_cannot_tell() -> None:
    """It says what to switch on."""
    traffic = traffic_of([record(number, ["edge"], 0.9) for number in range(100)], None)
    (refusal,) = simulate_journal(traffic, threshold(0.5)).refusals
    assert "nothing was audited and nothing was scored" in refusal


def test_always_the_top_needs_no_observation() -> None:
    """It loses nothing, by definition."""
    traffic = traffic_of([record(number, ["edge"], 0.9) for number in range(100)], None)
    found = simulate_journal(traffic, proposal("{rule: fixed, tier: top}"))
    assert found.refusals == ()
    assert found.new.outcome == Figure(0.0, 0.0, 0.0)
    assert found.outcome_change.value is None  # of the old policy nothing is known


@pytest.mark.parametrize(("tier", "truth"), [("edge", 0.5), ("top", 0.9)])
def test_a_random_mix_tells_of_each_of_its_tiers(tier: str, truth: float) -> None:
    """By scores, weighted by how likely the tier was drawn and its answer scored."""
    held, values = 0, []
    for seed in range(RUNS):
        found = simulate_journal(
            mixed_log(world(800, seed)), proposal(f"{{rule: fixed, tier: {tier}}}"), {"edge": 0.5, "top": 0.5}
        )
        assert (found.refusals, found.measure) == ((), Measure.QUALITY)
        assert found.new.outcome.value is not None
        values.append(found.new.outcome.value)
        held += holds(found.new.outcome, truth)
    assert np.mean(values) == pytest.approx(truth, abs=4 * np.std(values) / RUNS**0.5)
    assert held / RUNS >= 0.85


def test_a_random_mix_is_judged_by_what_it_drew() -> None:
    """Its own draws need no weight, only that some of its answers were scored; no model is needed."""
    values = [
        simulate_journal(
            mixed_log(world(800, seed, overconfident=True)),
            proposal("{rule: fixed, tier: top}"),
            {"edge": 0.5, "top": 0.5},
        ).old.outcome.value
        for seed in range(30)
    ]
    assert np.mean(np.array(values, float)) == pytest.approx((1 / 3 + 0.9) / 2, abs=0.015)


def test_a_log_can_be_read_for_quality_though_it_was_audited() -> None:
    """Then only scores count, and there are none."""
    traffic = certified_log(world(500, 8))
    found = simulate_journal(traffic, threshold(0.7), measure=Measure.QUALITY)
    assert found.measure is Measure.QUALITY
    assert "100.0 % of the traffic" in found.refusals[0]


def test_a_tier_that_never_ran_is_named() -> None:
    """Scores of one tier say nothing of another, unless a coin might have chosen it."""
    traffic = mixed_log(world(300, 1), share_of_top=0.0)
    (refusal,) = simulate_journal(traffic, proposal("{rule: fixed, tier: top}")).refusals
    assert "top on 100.0 %" in refusal


def test_a_tier_that_the_log_does_not_know_is_refused() -> None:
    """There are not even predictions of it."""
    with pytest.raises(SimulationError, match="tier 'other' was not on the ladder that served"):
        simulate_journal(
            certified_log(world(50, 1)),
            proposal("{rule: threshold, min_confidence: 0.5}", "edge, other, top"),
        )


def test_unknown_policies_are_refused_with_those_that_there_are() -> None:
    """By how many requests they answered."""
    with pytest.raises(SimulationError, match=r"no answered request of policy nosuch; there are: old \(3\)"):
        traffic_of([record(number, ["edge"], 0.9) for number in range(3)], "nosuch")
