"""The one place where the object graph is made: from a configuration to a router.

Nothing is started here, and nothing else constructs these parts.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from backends.encoder.encoder import EncoderSettings, TextEncoder
from backends.registry import backend_class
from policies.artefact import load
from policies.cascade_routing import CascadeRoutingOptions, arms_of
from policies.certified import Certified
from policies.difficulty.base import DifficultyEstimator
from policies.difficulty.heuristic import HeuristicDifficulty
from policies.difficulty.layered import LayeredDifficulty
from policies.escalation import Escalation, EscalationOptions
from policies.learnt import Learnt
from policies.probes.base import Probe
from policies.probes.economy import Economy
from policies.probes.refinement import Refinements
from policies.registry import DETECTORS, DIFFICULTY, POLICIES, PROBES, SIGNALS
from policies.stopping import Stopping
from router.arm_tier import ArmTier
from router.assess import Assessor
from router.audit import Auditor
from router.certificates.found import warrant_for
from router.config.model import Config, PolicyConfig, TierConfig
from router.config.privacy import PrivacyConfig
from router.config.resilience import ResilienceConfig
from router.conversations import Conversations
from router.core import Router
from router.earlier import Earlier
from router.journal import Journal, NullJournal, Retention, SqliteJournal
from router.plan import Planner, Route
from router.privacy.rules import PrivacyRules
from router.probing import Prober
from router.request import Constraints
from router.resilience.settings import Adapting, Breaking, Hedging, Resilience, Retrying
from router.second_look import SecondLook
from router.spending import Spending
from router.tenants.configured import quotas_of, turnstile_of
from router.tenants.turnstile import Turnstile
from router.tiers import Energy, Limits, Price, Tier


def build(config: Config, earlier: Sequence[Earlier] = ()) -> Router:
    """Make the router that ``config`` describes; start it before use.

    What ``earlier`` routers, newest first, have running and ``config`` does not change, it goes on with;
    then ``start_beside`` the first of them.
    Raises policies.artefact.ArtefactError where what was learnt cannot be trusted, and CertificateError
    where a file of certificates cannot.
    """
    learnt = load(config.learnt) if config.learnt else None
    last = earlier[0] if earlier else None
    tiers = sorted((_tier(tier, earlier) for tier in config.tiers), key=_price)
    routes = [
        (last and last.route(policy, config)) or _route(policy, config, tiers, learnt)
        for policy in config.policies
    ]
    estimator = estimator_for(config, [tier.name for tier in tiers], learnt)
    conversations = Conversations(time.monotonic) if last is None else last.parts.conversations
    planner = Planner(routes, estimator, _privacy(config.privacy), conversations)
    assessor = Assessor(
        [SIGNALS.load(name)() for name in SIGNALS.names()],
        None if learnt is None else learnt.confidence,
        allow_uncalibrated=config.confidence.uncalibrated == "token_probability",
        prober=_prober(config, learnt),
        measures_all=config.confidence.costly_signals == "always",
    )
    journal = _journal(config) if last is None else last.parts.journal
    auditor = _auditor(config, routes, journal, last)
    turnstile = turnstile_of(config) if last is None else turnstile_under(config, last)
    return Router(
        tiers,
        planner,
        assessor,
        journal,
        time.monotonic,
        auditor,
        turnstile=turnstile,
        conversations=conversations,
        second_look=_second_look(config, learnt),
    )


def _second_look(config: Config, learnt: Learnt | None) -> SecondLook | None:
    """What reads prompts again; None: nothing was configured, or nothing was found to be worth it."""
    wanted = config.difficulty.encoder
    if wanted is None or learnt is None or learnt.embedded is None:
        return None
    settings = EncoderSettings(wanted.model, learnt.embedded.encoder.token_limit, wanted.int8)
    return SecondLook(learnt.embedded, TextEncoder(settings), wanted.time_limit_ms / 1e3)


def turnstile_under(config: Config, last: Earlier) -> Turnstile:
    """The turnstile that runs, as ``config`` says; what it has counted so far still counts."""
    allows_uncounted = config.ledger.allow_uncounted
    if (config.tenants, allows_uncounted) == (last.config.tenants, last.config.ledger.allow_uncounted):
        return last.parts.turnstile
    return last.parts.turnstile.under(quotas_of(config), allows_uncounted=allows_uncounted)


def _tier(config: TierConfig, earlier: Sequence[Earlier]) -> Tier:
    price = Price(
        config.price.input_usd_micros_per_million,
        config.price.output_usd_micros_per_million,
        config.price.cached_input_usd_micros_per_million,
    )
    limits = Limits(**config.limits.model_dump(), resilience=_resilience(config.resilience))
    energy = Energy(**config.energy.model_dump())
    for running in earlier:
        if (tier := running.tier(config, price, limits, energy)) is not None:
            return tier
    backend = backend_class(config.backend)(config.options)
    return Tier(config.name, config.backend, backend, price, limits, energy)


def _resilience(config: ResilienceConfig) -> Resilience:
    return Resilience(
        retries=Retrying(**config.retries.model_dump()),
        breaker=Breaking(**config.breaker.model_dump()),
        adaptive=Adapting(**config.adaptive.model_dump()),
        hedge=Hedging(**config.hedge.model_dump()),
    )


def _prober(config: Config, learnt: Learnt | None) -> Prober | None:
    if not config.confidence.probes:
        return None
    loaded: dict[str, Any] = {one.probe: PROBES.load(one.probe) for one in config.confidence.probes}
    probes: list[Probe] = [loaded[one.probe](one.options) for one in config.confidence.probes]
    refinements = Refinements() if learnt is None else learnt.refinements
    allow_uncalibrated = config.confidence.uncalibrated == "token_probability"
    return Prober(probes, Economy(refinements, allow_uncalibrated), time.monotonic)


def _price(tier: Tier) -> tuple[int, int]:
    return tier.price.output_usd_micros_per_million, tier.price.input_usd_micros_per_million


def _route(config: PolicyConfig, whole: Config, tiers: list[Tier], learnt: Learnt | None) -> Route:
    by_name = {tier.name: tier for tier in tiers}
    rule = POLICIES.load(config.objective.rule)
    limits = config.constraints
    options = config.objective.options
    escalation = options.escalation if isinstance(options, EscalationOptions) else Escalation()
    policy = rule(options, None if learnt is None else learnt.joint)
    return Route(
        name=config.name,
        policy=policy,
        ladder=tuple(by_name[name] for name in config.ladder),
        constraints=Constraints(
            min_confidence=limits.min_confidence,
            max_cost_usd_micros=limits.max_cost_usd_micros,
            max_attempt_count=limits.max_attempt_count,
            local_only=limits.local_only,
            redact=limits.redact,
        ),
        tags=frozenset(config.match.tags),
        tenants=frozenset(config.match.tenants),
        warrant=warrant_for(policy, config, whole) if isinstance(policy, Certified) else None,
        escalation=escalation,
        hedge=config.hedge,
        spending=spending_of(config, learnt),
        stopping=Stopping() if learnt is None or not escalation.stop_early else learnt.stopping,
        arms=tuple(ArmTier(by_name[arm.tier], arm) for arm in arms_of(options)),
    )


def spending_of(config: PolicyConfig, learnt: Learnt | None) -> Spending | None:
    """What keeps the policy's average budget, from the price that calibration found where it did."""
    options = config.objective.options
    if not isinstance(options, CascadeRoutingOptions) or options.budget_usd_per_request is None:
        return None
    found = None if learnt is None else learnt.shadow_prices.get(config.name)
    return Spending(options.budget_usd_per_request, found)


def estimator_for(config: Config, tiers: Sequence[str], learnt: Learnt | None) -> DifficultyEstimator:
    """The configured estimator, over a guess by price for tiers that it does not know; cheapest first."""
    guess = HeuristicDifficulty.for_ladder(tiers)
    estimator: Any = DIFFICULTY.load(config.difficulty.estimator)
    fitted = None if learnt is None else learnt.difficulty
    return LayeredDifficulty([estimator.build(config.difficulty.options, fitted), guess])


def _auditor(
    config: Config, routes: Sequence[Route], journal: Journal, last: Earlier | None
) -> Auditor | None:
    """Who audits, None: nobody; the same as before where the same warrants are served by."""
    warrants = [route.warrant for route in routes if route.warrant is not None]
    # Audits without a journal would leave no trace; and whoever keeps it is the one who watches.
    if config.journal.path is None or not warrants:
        return None
    if last is not None and warrants == [r.warrant for r in last.parts.routes if r.warrant is not None]:
        return last.parts.auditor
    return Auditor(journal, time.monotonic)


def _privacy(config: PrivacyConfig) -> PrivacyRules:
    redact = config.redact or config.detect or DETECTORS.names()
    return PrivacyRules(config.detect, redact, config.redact_external)


def _journal(config: Config) -> Journal:
    kept = config.journal
    if kept.path is None:
        return NullJournal()
    retention = Retention.of_days(kept.prompt_retention_days, kept.retention_days)
    return SqliteJournal(
        kept.path,
        store_prompts=kept.store_prompts,
        redact=_privacy(config.privacy).redact if kept.redact else (),
        retention=retention,
    )
