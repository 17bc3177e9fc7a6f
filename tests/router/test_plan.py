"""Which route a request takes, and what is known before it runs."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.types import Clearance
from policies.cascade_routing import CascadeRouting, CascadeRoutingOptions
from policies.costs import Weights
from policies.difficulty.heuristic import HeuristicDifficulty
from policies.escalation import Escalation
from policies.fixed import Fixed, FixedOptions
from router.errors import InvalidRequest
from router.plan import Planner, Route, tighten
from router.privacy.rules import PrivacyRules
from router.request import Constraints, Request
from router.tiers import Limits
from tests.router.conftest import SURE, House, ask, echo_tier


def planner() -> Planner:
    """Two routes over one tier: one for tagged requests, one for everybody."""
    tier = echo_tier("edge")
    tier.ready = True
    policy = Fixed(FixedOptions(tier="edge"))
    private = Route("private", policy, (tier,), Constraints(local_only=True), tags=frozenset({"pii"}))
    default = Route("default", policy, (tier,))
    return Planner([private, default], HeuristicDifficulty.for_ladder(["edge"]))


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (ask(tags=frozenset({"pii", "other"})), "private"),
        (ask(), "default"),
        (ask(constraints=Constraints(policy="private")), "private"),
    ],
)
def test_the_first_route_that_fits_is_taken(request_: Request, expected: str) -> None:
    """A policy asked for by name wins; else the first whose match rule fits."""
    assert planner().plan(request_).route.name == expected


def bound(name: str, **request_: Any) -> Constraints:
    """What binds a request that asks for ``name``, in a house with a rule for a tenant and one for a tag."""
    tier, policy = echo_tier("edge"), Fixed(FixedOptions(tier="edge"))
    routes = [
        Route("guest", policy, (tier,), Constraints(redact=True), tenants=frozenset({"guest"})),
        Route("private", policy, (tier,), Constraints(local_only=True), tags=frozenset({"pii"})),
        Route("default", policy, (tier,), Constraints(local_only=True)),
        Route("far", policy, (tier,)),
    ]
    asked = ask(constraints=Constraints(policy=name), **request_)
    return Planner(routes, HeuristicDifficulty.for_ladder(["edge"])).plan(asked).constraints


def test_a_policy_asked_for_by_name_does_not_free_the_data() -> None:
    """The rule that the tags or the tenant fall under holds still; the first that fits, and no other."""
    assert bound("far", tags=frozenset({"pii"})).local_only
    assert bound("far", tenant="guest") == Constraints(redact=True, policy="far")
    assert bound("far", tenant="guest", tags=frozenset({"pii"})).local_only is False


def test_a_policy_for_everybody_binds_only_those_who_fall_under_it() -> None:
    """Who asks for another gets another: nothing is said of a class of data."""
    assert bound("far") == Constraints(policy="far")


def test_what_is_found_in_a_prompt_becomes_tags() -> None:
    """The route sees them, and so does whoever the prompt is passed on to."""
    tier = echo_tier("edge")
    policy = Fixed(FixedOptions(tier="edge"))
    private = Route("private", policy, (tier,), Constraints(local_only=True), tags=frozenset({"pii.email"}))
    rules = PrivacyRules(detect=("email", "phone"))
    made = Planner(
        [private, Route("default", policy, (tier,))], HeuristicDifficulty.for_ladder(["edge"]), rules
    )
    plan = made.plan(ask("mail ada@example.org", tags=frozenset({"own"})))
    assert (plan.route.name, plan.request.tags) == ("private", frozenset({"own", "pii", "pii.email"}))
    assert plan.request.prompt.terms.tags == ("own", "pii", "pii.email")
    assert plan.request.prompt.clearance == Clearance()
    assert made.plan(ask("hello")).request.prompt.clearance == Clearance(may_leave=True)


def test_an_unknown_policy_is_refused() -> None:
    """A policy that does not exist is a violation that names those that do."""
    with pytest.raises(InvalidRequest, match="known: private, default") as caught:
        planner().plan(ask(constraints=Constraints(policy="nope")))
    assert caught.value.reason == "POLICY_UNKNOWN"


maybe_count = st.none() | st.integers(1, 100)
constraints = st.builds(
    Constraints,
    min_confidence=st.none() | st.floats(0, 1),
    max_cost_usd_micros=maybe_count,
    max_attempt_count=maybe_count,
    local_only=st.booleans(),
    redact=st.booleans(),
)


@given(constraints, constraints)
def test_joining_constraints_never_loosens(rule: Constraints, wish: Constraints) -> None:
    """Whatever a request wishes, every limit of the policy still holds."""
    both = tighten(rule, wish)
    assert both.local_only >= max(rule.local_only, wish.local_only)
    assert both.redact >= max(rule.redact, wish.redact)
    for limit in ("max_cost_usd_micros", "max_attempt_count"):
        values = [value for value in (getattr(rule, limit), getattr(wish, limit)) if value is not None]
        assert getattr(both, limit) == (min(values) if values else None)


def test_what_waiting_and_energy_cost_is_seen_by_the_policy_and_told() -> None:
    """A slow tier that is cheap in money alone is passed over where time has a price; money is told apart."""
    slow = echo_tier("edge", price=1_000_000, logprob=SURE, limits=Limits(typical_latency_s=50.0))
    fast = echo_tier("top", price=2_000_000, logprob=SURE, limits=Limits(typical_latency_s=0.1))
    rule = CascadeRouting(CascadeRoutingOptions(value_of_correct_usd=1e-5))
    money = House([slow, fast], policy=rule)
    timed = House([slow, fast], policy=rule, escalation=Escalation(Weights(latency_usd_per_s=0.001)))
    assert money.router().decide(ask()).tier == "edge"
    decided = timed.router().decide(ask())
    assert decided.tier == "top"
    assert [e.latency_cost_usd_micros for e in decided.estimates] == [50_000.0, 100.0]
    assert [e.cost_usd_micros for e in decided.estimates] == [6.0, 12.0]
