"""What is known and allowed before anything runs: the route, its rungs, and what is predicted.

Decides which policy a request falls under, which tiers it may use and why not the others, and
what each is predicted to give and to cost. Refuses to run anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from backends.types import Capabilities, GrammarFormat, Prompt
from policies.arms import sample_count_of, tier_of
from policies.base import Candidate, Policy
from policies.costs import Cost, Rates, Weights, attempt_cost
from policies.difficulty.base import DifficultyEstimator, Estimate
from policies.escalation import Escalation
from policies.features import features_of
from policies.stopping import Stopping
from router.certificates.warrant import CertificateStatus, Permit, Warrant
from router.conversations import Conversations
from router.errors import InvalidRequest, Violation
from router.events import TierEstimate
from router.privacy.rules import PrivacyRules
from router.request import Constraints, Request
from router.spending import Spending
from router.tiers import Tier

N = TypeVar("N", int, float)

# Characters a token, roughly, for tiers that cannot count because they are not up.
_CHARACTERS_PER_TOKEN = 4


@dataclass(frozen=True, slots=True)
class Route:
    """A configured policy: its ladder (cheapest first), its own constraints, and whom it is for.

    ``arms`` are candidates beside the ladder, each asking one of its tiers.
    ``tags`` and ``tenants`` are alternatives each; empty means any. ``warrant`` is there where the
    policy may serve below the top tier by certificate only. ``escalation`` says how it
    shifts up, ``stopping`` when an answer is given up while it is written, and ``spending`` keeps an average
    budget, None: there is none. ``hedge``: it pays for a second call beside one that is slow.
    """

    name: str
    policy: Policy
    ladder: tuple[Tier, ...]
    constraints: Constraints = field(default_factory=Constraints)
    tags: frozenset[str] = frozenset()
    tenants: frozenset[str] = frozenset()
    warrant: Warrant | None = None
    escalation: Escalation = field(default_factory=Escalation)
    stopping: Stopping = field(default_factory=Stopping)
    spending: Spending | None = None
    arms: tuple[Tier, ...] = ()
    hedge: bool = False

    def matches(self, request: Request) -> bool:
        """Whether the request falls under this route."""
        return (not self.tags or bool(self.tags & request.tags)) and (
            not self.tenants or request.tenant in self.tenants
        )


@dataclass(frozen=True, slots=True)
class Rung:
    """A tier of the ladder, seen from one request; ``exclusion_reason`` None: it may be used.

    ``rates`` are the tier's when the request arrived, ``weights`` the policy's. ``output_token_limit`` is
    the most that an attempt may generate, money apart. What one is predicted to cost, and how the policy is
    shown it, are worked out here once: a request asks for them at every decision.
    """

    tier: Tier
    estimate: Estimate
    input_token_count: int
    exclusion_reason: str | None
    rates: Rates
    weights: Weights
    output_token_limit: int
    cost: Cost = field(init=False)
    candidate: Candidate = field(init=False)

    def __post_init__(self) -> None:
        cost = attempt_cost(
            self.rates, self.weights, self.input_token_count, self.estimate.output_token_count
        )
        object.__setattr__(self, "cost", cost)
        candidate = Candidate(self.tier.name, self.estimate.quality, cost.usd_micros)
        object.__setattr__(self, "candidate", candidate)

    def longer(self, input_token_count: int, prompt: Prompt) -> Rung:
        """The rung for a ``prompt`` of so many tokens."""
        requested = prompt.sampling.max_output_token_count
        limit = self.tier.output_token_limit(requested, input_token_count)
        return replace(self, input_token_count=input_token_count, output_token_limit=limit)

    def describe(self) -> TierEstimate:
        """Say what is predicted, for the caller."""
        cost = self.cost
        return TierEstimate(
            self.tier.name,
            self.estimate.quality,
            cost.money_usd_micros,
            self.exclusion_reason,
            cost.latency_usd_micros,
            cost.energy_usd_micros,
            self.input_token_count,
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """A request with all that is known of it before it runs; ``permit`` None: no certificate covers it.

    ``conversation_tier`` is where its conversation is, None: nowhere, or where it cannot go on.
    """

    request: Request
    route: Route
    constraints: Constraints
    rungs: tuple[Rung, ...]
    features: Mapping[str, float]
    permit: Permit | None = None
    conversation_tier: str | None = None

    @property
    def policy(self) -> Policy:
        """The policy that decides: the certified one where there is a permit, else the route's own."""
        return self.route.policy if self.permit is None else self.permit.policy

    @property
    def stopping(self) -> Stopping:
        """When an answer is given up while it is written; never under a permit, nor with tools.

        No answer was stopped in the test that the certificate rests on, and its bound on the net loss
        does not survive escalations that the test did not see. What is known of tokens is of texts.
        """
        is_foreign = self.permit is not None or self.request.prompt.uses_tools
        return Stopping() if is_foreign else self.route.stopping

    @property
    def reuses_drafts(self) -> bool:
        """Whether a tier is shown the answer that was rejected before it; never under a permit, as above."""
        return self.route.escalation.reuse_draft and self.permit is None


class Planner:
    """Makes plans. ``routes`` are tried in order; ``estimator`` predicts what tiers would give.

    ``privacy`` None: nothing is looked for in prompts; what may leave is as policies and requests say.
    ``conversations`` None: none is remembered.
    """

    def __init__(
        self,
        routes: Sequence[Route],
        estimator: DifficultyEstimator,
        privacy: PrivacyRules | None = None,
        conversations: Conversations | None = None,
    ) -> None:
        self._routes = tuple(routes)
        self._estimator = estimator
        self._privacy = privacy or PrivacyRules()
        self._conversations = conversations

    def plan(self, request: Request) -> Plan:
        """Plan a request.

        Raises InvalidRequest for a policy that does not exist. A plan may have no rung that can
        be used.
        """
        request = self._privacy.tagged(request)
        route = self._route(request)
        constraints = tighten(self._binding(request, route), request.constraints)
        request = self._privacy.cleared(request, constraints)
        features = features_of(request.prompt)
        estimates = self._estimator.predict(request.prompt, features)
        rungs = tuple(
            _rung(tier, estimates[tier.name], request.prompt, constraints, route.escalation.weights)
            for tier in route.ladder
        )
        # There is no vote on calls.
        arms = () if request.prompt.uses_tools else route.arms
        rungs = _with_arms(rungs, arms, estimates)
        permit = _permit(route, request, constraints)
        kept = self._conversation_tier(request, route, rungs) if permit is None else None
        return Plan(request, route, constraints, rungs, features, permit, kept)

    def _conversation_tier(self, request: Request, route: Route, rungs: Sequence[Rung]) -> str | None:
        """The tier that the request's conversation keeps, where it can be asked; see ``conversations``.

        Never asked under a permit. The certificate was tested on requests that start where the policy likes,
        and bounds what they lose on average. To start higher would not be safe either: where the top tier is
        wrong and a cheaper one right, the loss is negative, and conversations are no random share of traffic,
        so leaving theirs out may raise the mean of the rest.
        """
        tier = None if self._conversations is None else self._conversations.tier(request, route.name)
        open_tiers = {rung.tier.name for rung in rungs if rung.exclusion_reason is None}
        return tier if tier in open_tiers else None

    @property
    def routes(self) -> tuple[Route, ...]:
        """All routes, in the order that they are tried in."""
        return self._routes

    def policy_names(self) -> frozenset[str]:
        """Names of all routes."""
        return frozenset(route.name for route in self._routes)

    def certificates(self) -> tuple[CertificateStatus, ...]:
        """How the certificates of all routes stand."""
        warrants = [route.warrant for route in self._routes if route.warrant is not None]
        return tuple(status for warrant in warrants for status in warrant.statuses())

    def _binding(self, request: Request, route: Route) -> Constraints:
        """What ``route`` demands, and where its data may go by the rule that it would have fallen under.

        Who asks for a policy by name does not thereby get out of what holds for the class of its data.
        """
        own = next((other for other in self._routes if other.matches(request)), route)
        if own is route or not (own.tags or own.tenants):
            return route.constraints
        return replace(
            route.constraints,
            local_only=route.constraints.local_only or own.constraints.local_only,
            redact=route.constraints.redact or own.constraints.redact,
        )

    def _route(self, request: Request) -> Route:
        name = request.constraints.policy
        for route in self._routes:
            if route.name == name or (name is None and route.matches(request)):
                return route
        known = ", ".join(route.name for route in self._routes)
        said = f"no policy is called {name!r}" if name else "no policy matches the request"
        raise InvalidRequest((Violation("constraints.policy", "POLICY_UNKNOWN", f"{said}; known: {known}"),))


def _permit(route: Route, request: Request, constraints: Constraints) -> Permit | None:
    """The right to serve below the top tier.

    None where tiers are shown less than when it was tested, nor where tools are involved: no case of the test
    had any, so it bounds nothing of what is lost on calls.
    """
    if route.warrant is None or constraints.redact != route.constraints.redact:
        return None
    if request.prompt.uses_tools:
        return None
    return route.warrant.permit(request.tags)


def tighten(rule: Constraints, wish: Constraints) -> Constraints:
    """Join a policy's constraints and a request's; the stricter of the two holds.

    The tiers that a policy allows are its ladder, so only the request names ``allowed_tiers``.
    """
    return Constraints(
        min_confidence=_strictest(max, rule.min_confidence, wish.min_confidence),
        max_cost_usd_micros=_strictest(min, rule.max_cost_usd_micros, wish.max_cost_usd_micros),
        max_attempt_count=_strictest(min, rule.max_attempt_count, wish.max_attempt_count),
        allowed_tiers=wish.allowed_tiers,
        local_only=rule.local_only or wish.local_only,
        redact=rule.redact or wish.redact,
        policy=wish.policy,
    )


def _strictest(choose: Callable[[N, N], N], first: N | None, second: N | None) -> N | None:
    if first is None or second is None:
        return second if first is None else first
    return choose(first, second)


def _rung(tier: Tier, estimate: Estimate, prompt: Prompt, constraints: Constraints, weights: Weights) -> Rung:
    if tier.ready:
        count = tier.backend.count_tokens(prompt)
        limit = tier.output_token_limit(prompt.sampling.max_output_token_count, count)
        reason = _exclusion(tier, prompt, limit, constraints)
    else:
        count, limit, reason = len(prompt.text) // _CHARACTERS_PER_TOKEN, 0, "not_ready"
    return Rung(tier, estimate, count, reason, tier.rates(count), weights, limit)


def _with_arms(
    rungs: tuple[Rung, ...], arms: Sequence[Tier], estimates: Mapping[str, Estimate]
) -> tuple[Rung, ...]:
    """Put every arm before the first rung above its own tier that costs more."""
    joined = list(rungs)
    for arm in arms:
        own = next(place for place, rung in enumerate(joined) if rung.tier.name == tier_of(arm.name))
        rung = _arm_rung(arm, joined[own], estimates.get(arm.name))
        cost = rung.describe().cost_usd_micros
        above = range(own + 1, len(joined))
        joined.insert(
            next((place for place in above if joined[place].describe().cost_usd_micros > cost), len(joined)),
            rung,
        )
    return tuple(joined)


def _arm_rung(arm: Tier, own: Rung, learnt: Estimate | None) -> Rung:
    """The arm seen from the request; nothing learnt of it: as good as its tier, and n-fold as long."""
    count = sample_count_of(arm.name)
    guess = Estimate(own.estimate.quality, count * own.estimate.output_token_count)
    return replace(
        own,
        tier=arm,
        estimate=learnt or guess,
        input_token_count=count * own.input_token_count,
        output_token_limit=count * own.output_token_limit,
    )


def _lacking(capabilities: Capabilities, prompt: Prompt) -> str | None:
    """What ``prompt`` needs and a model cannot; None: it can all."""
    # Schemas and patterns can be checked afterwards; a grammar only as the answer is written.
    if isinstance(prompt.response_format, GrammarFormat) and not capabilities.grammar:
        return "no_grammar"
    if prompt.image_count and not capabilities.images:
        return "no_images"
    return "no_tools" if prompt.uses_tools and not capabilities.tools else None


def _exclusion(tier: Tier, prompt: Prompt, output_token_limit: int, constraints: Constraints) -> str | None:
    if constraints.allowed_tiers and tier.name not in constraints.allowed_tiers:
        return "not_allowed"
    if constraints.local_only and tier.backend.capabilities.external:
        return "external"
    if (lacking := _lacking(tier.backend.capabilities, prompt)) is not None:
        return lacking
    if output_token_limit < 1:
        return "context_too_long"
    return tier.guard.why_closed()
