"""Which probe runs next: by usefulness for its cost, and only while it can change the decision."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from policies.base import Accept, Answered, Candidate, State, Try, Verdict
from policies.logistic import Logistic
from policies.probes.economy import Economy, Offer, Outlook
from policies.probes.refinement import Refinement, Refinements, TierRefinements
from policies.threshold import Threshold, ThresholdOptions
from policies.worth_running import act_of

TOP = Candidate("top", 0.95, 100.0)
LEARNT: dict[str, tuple[str, ...]] = {"cheap": ("a",), "dear": ("b",)}


def model(probes: dict[str, tuple[str, ...]], auroc: float, swing: float = 1.0) -> Refinement:
    """The confidence as it is, and each measure in deviations from 0 by ``swing``."""
    count = sum(map(len, probes.values()))
    weights = np.concatenate(([1.0], np.full(count, swing / 2.0)))
    ends = dict.fromkeys(probes, (-swing, swing))
    return Refinement(probes, np.zeros(count), np.ones(count), Logistic(weights, 0.0), ends, auroc)


def economy(cheap: float = 0.82, dear: float = 0.9, both: float = 0.9, swing: float = 1.0) -> Economy:
    """Two probes over a confidence of AUROC .8, by what each and both make of it."""
    models = (
        model({"cheap": ("a",)}, cheap, swing),
        model({"dear": ("b",)}, dear, swing),
        model(LEARNT, both, swing),
    )
    return Economy(Refinements({"edge": TierRefinements(0.8, models)}))


def verdict_at(confidence: float) -> Verdict:
    """A threshold at 0.8 below one dearer tier."""
    policy = Threshold(ThresholdOptions(min_confidence=0.8))
    return policy.decide(State((TOP,), (Answered("edge", 0.6, confidence),)))


def cost_of(verdict: Verdict) -> float:
    """What the verdict costs."""
    return TOP.cost_usd_micros if isinstance(verdict, Try) else 0.0


def chosen(found: Economy, confidence: float, *offers: Offer, ran: tuple[str, ...] = ()) -> str | None:
    """The probe to run on an answer of the edge."""
    outlook = Outlook("edge", confidence, dict.fromkeys("ab", 0.0), ran)
    return found.next(outlook, offers, verdict_at, cost_of)


def test_a_probe_that_cannot_change_the_verdict_is_not_run() -> None:
    """Where both ends of what it can do lie on one side of the threshold, its cost is saved."""
    offer = Offer("cheap", 1.0)
    assert chosen(economy(), 0.75, offer) == "cheap"
    assert chosen(economy(), 0.3, offer) is None
    assert chosen(economy(), 0.97, offer) is None


def test_what_a_probe_can_do_is_as_learnt() -> None:
    """A probe of small swing is run near the threshold only."""
    assert chosen(economy(swing=0.1), 0.75, Offer("cheap", 1.0)) is None
    assert chosen(economy(swing=0.1), 0.79, Offer("cheap", 1.0)) == "cheap"


def test_usefulness_for_the_cost_decides_the_order() -> None:
    """Five times the gain is worth up to five times the cost."""
    assert chosen(economy(), 0.75, Offer("cheap", 1.0), Offer("dear", 4.0)) == "dear"
    assert chosen(economy(), 0.75, Offer("cheap", 1.0), Offer("dear", 6.0)) == "cheap"


def test_a_probe_that_adds_nothing_to_those_that_ran_is_not_run() -> None:
    """Usefulness is what comes on top: after the dear one, the cheap one tells nothing new."""
    assert chosen(economy(), 0.75, Offer("cheap", 1.0), ran=("dear",)) is None
    assert chosen(economy(both=0.95), 0.75, Offer("cheap", 1.0), ran=("dear",)) == "cheap"


def test_configured_usefulness_wins() -> None:
    """What the configuration says of a probe stands above what was learnt."""
    assert chosen(economy(cheap=0.7), 0.75, Offer("cheap", 1.0)) is None
    assert chosen(economy(cheap=0.7), 0.75, Offer("cheap", 1.0, usefulness=0.1)) == "cheap"


def test_a_probe_as_dear_as_the_next_tier_is_not_run() -> None:
    """Asking the next tier tells more and answers besides."""
    assert chosen(economy(), 0.75, Offer("dear", TOP.cost_usd_micros)) is None


def test_a_forced_probe_runs_whatever_it_changes() -> None:
    """What is to be learnt from must be measured on every answer."""
    assert chosen(economy(), 0.1, Offer("cheap", 1.0), Offer("dear", 1e9, is_forced=True)) == "dear"


def test_without_grades_nobody_reads_a_probe() -> None:
    """An opinion that was never held against grades changes nothing unless that is allowed."""
    outlook = Outlook("edge", 0.75, {}, ("cheap",), {"cheap": 0.1})
    assert Economy(Refinements()).refined(outlook) is None
    assert chosen(Economy(Refinements()), 0.75, Offer("cheap", 1.0)) is None
    allowed = Economy(Refinements(), allow_uncalibrated=True)
    assert 0.1 < (allowed.refined(outlook) or 0.0) < 0.75
    assert chosen(allowed, 0.75, Offer("cheap", 1.0)) == "cheap"


def test_a_guess_is_not_paid_for_where_grades_speak() -> None:
    """Once a learnt probe ran, an unlearnt one would be left out of the confidence, so it is not run."""
    found = Economy(economy().refinements, allow_uncalibrated=True)
    assert chosen(found, 0.75, Offer("odd", 1.0)) == "odd"
    assert chosen(found, 0.75, Offer("odd", 1.0), ran=("cheap",)) is None


def test_an_unlearnt_probe_beside_a_learnt_one_is_left_out() -> None:
    """The model of what can be read is used, whatever else ran."""
    found = economy()
    outlook = Outlook("edge", 0.75, {"a": 1.0, "odd": 5.0}, ("cheap", "odd"))
    assert (found.refined(outlook) or 0.0) > 0.75
    assert found.ends(outlook, "dear") is not None


def test_accepting_is_free() -> None:
    """A verdict to accept costs nothing, so only what would be tried bounds a probe's price."""
    assert cost_of(Accept(0, "")) == 0.0
    assert chosen(economy(), 0.85, Offer("cheap", 99.0)) == "cheap"


@given(
    confidence=st.floats(0.0, 1.0),
    swing=st.floats(0.0, 4.0),
    threshold=st.floats(0.0, 1.0),
    cost=st.floats(0.0, 200.0),
)
def test_a_probe_runs_only_where_it_can_change_what_is_done(
    confidence: float, swing: float, threshold: float, cost: float
) -> None:
    """Whatever the threshold: a probe that runs can lead to another act, and costs less than that act."""
    policy = Threshold(ThresholdOptions(min_confidence=threshold))

    def decided(at: float) -> Verdict:
        return policy.decide(State((TOP,), (Answered("edge", 0.6, at),)))

    found, outlook = economy(swing=swing), Outlook("edge", confidence, {})
    runs = found.next(outlook, [Offer("cheap", cost)], decided, cost_of)
    ends = found.ends(outlook, "cheap")
    assert ends is not None
    acts = {act_of(decided(at)) for at in (confidence, *ends)}
    assert (runs == "cheap") == (len(acts) > 1 and cost < TOP.cost_usd_micros)
