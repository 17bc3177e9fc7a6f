"""Calibration: what graded answers teach, and what of it can be certified.

Decides which records design and which certify, what a call costs, and what a certificate says it
rests on. Needs scikit-learn; nothing that serves imports this file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from statistics import fmean

from policies.arm_outcomes import with_arms
from policies.artefact import load, save
from policies.cascade_routing import arms_of
from policies.certifying import Finding, Ladder, find, label, suited_test
from policies.costs import MONEY_ALONE, Rates
from policies.difficulty.embedded import EncoderIdentity
from policies.guarantee.certificate import EVERYTHING, Certificate
from policies.guarantee.split import is_design
from policies.guarantee.terms import Terms, Test
from policies.learnt import Learnt
from policies.outcomes import OutcomeRecord, groups_of
from policies.recorded_costs import recorded_cost
from policies.training import MIN_PROMPTS, fit_learnt
from router.certificates.fingerprints import fingerprints, path_fingerprint
from router.config import Config, PolicyConfig
from router.rates import rates_of
from router.shadow_prices import shadow_prices

_MIN_CERTIFYING = 30


class CalibrationError(Exception):
    """The records cannot be calibrated from; says what is missing."""


@dataclass(frozen=True, slots=True)
class Target:
    """What is calibrated: a policy of a configuration. ``out`` gets what is learnt.

    ``encoder`` made the embeddings of the records; None: they have none.
    """

    config: Config
    policy: PolicyConfig
    out: Path
    seed: int = 0
    encoder: EncoderIdentity | None = None

    @property
    def tiers(self) -> tuple[str, ...]:
        """The policy's ladder, cheapest first."""
        return self.policy.ladder


@dataclass(frozen=True, slots=True)
class Promise:
    """What is to be certified: the bound, how surely, and by which test (None: by the grades).

    ``by_task``: each task is a stratum of its own, and requests carry it as a tag. Times are seconds
    since 1970; ``made_from`` is for the record.
    """

    max_loss: float
    issued_s: float
    expires_s: float
    confidence: float = 0.95
    test: Test | None = None
    by_task: bool = False
    made_from: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Issued:
    """What became of the labels: findings by stratum, and certificates for those that were certified."""

    learnt: Learnt
    findings: Mapping[str, Finding]
    certificates: tuple[Certificate, ...]
    terms: Terms


def complete(records: Sequence[OutcomeRecord], tiers: Sequence[str]) -> list[OutcomeRecord]:
    """Records that have an outcome of every tier; CalibrationError where there are too few."""
    kept = [record for record in records if all(tier in record.outcomes for tier in tiers)]
    if len(kept) < MIN_PROMPTS:
        seen = sorted({tier for record in records for tier in record.outcomes})
        raise CalibrationError(
            f"{len(kept)} of {len(records)} records have an outcome of each of {', '.join(tiers)}, and "
            f"{MIN_PROMPTS} are needed; the records have {', '.join(seen)}"
        )
    return kept


def learn(target: Target, records: Sequence[OutcomeRecord]) -> Learnt:
    """Fit on ``records``, write, and return what was written: what serves is what is tested.

    Tiers of the configuration that are not on the policy's ladder are learnt too where they ran, and
    prices of money for every policy that has a budget, and every policy's arms where the records hold
    enough samples.
    """
    arms = [arm for policy in target.config.policies for arm in arms_of(policy.objective.options)]
    records = with_arms(records, arms)
    ran = {tier for record in records for tier in record.outcomes}
    others = [tier for tier in target.config.tiers if tier.name in ran - {*target.tiers}]
    others.sort(key=lambda tier: tier.price.output_usd_per_million_tokens)
    tiers = tuple(
        name
        for tier in (*(tier.name for tier in others), *target.tiers)
        for name in (tier, *sorted({arm.name for arm in arms if arm.tier == tier and arm.name in ran}))
    )
    learnt = fit_learnt(records, tiers=tiers, seed=target.seed, encoder=target.encoder)
    prices = shadow_prices(target.config, records, target.seed)
    save(replace(learnt, shadow_prices=prices), target.out)
    return load(target.out)


def issue(target: Target, records: Sequence[OutcomeRecord], promise: Promise) -> Issued:
    """Learn from the records that design, and certify on the others."""
    tiers, groups = target.tiers, groups_of(records)
    design = [record for record, group in zip(records, groups, strict=True) if is_design(group)]
    certifying = [record for record, group in zip(records, groups, strict=True) if not is_design(group)]
    if len({record.prompt.text for record in design}) < MIN_PROMPTS or len(certifying) < _MIN_CERTIFYING:
        raise CalibrationError(
            f"{len(design)} records to design on and {len(certifying)} to certify on are too few; "
            "give some hundreds, better thousands"
        )
    learnt = learn(target, design)
    costs = call_costs(target.config, design, tiers)
    ladder = Ladder(costs, learnt.joint, target.policy.constraints.min_confidence)
    cost_of = partial(_call_cost, {tier.name: rates_of(tier) for tier in target.config.tiers})
    designed = label(learnt, design, tiers, cost_of)
    strata = {
        name: label(learnt, rows, tiers, cost_of) for name, rows in _strata(certifying, promise).items()
    }
    tests = {suited_test(labelled.qualities) for labelled in (designed, *strata.values())}
    suited = Test.GRADED if Test.GRADED in tests else Test.NET
    terms = Terms(promise.max_loss, promise.confidence, promise.test or suited)
    findings = find(designed, strata, ladder, terms)
    return Issued(learnt, findings, _certificates(target, promise, terms, findings), terms)


def _certificates(
    target: Target, promise: Promise, terms: Terms, findings: Mapping[str, Finding]
) -> tuple[Certificate, ...]:
    rests_on = fingerprints(target.config, target.policy, target.out)
    return tuple(
        Certificate(
            policy=target.policy.name,
            stratum=name,
            terms=terms,
            setting=found.setting,
            proof=found.proof,
            issued_s=promise.issued_s,
            expires_s=promise.expires_s,
            rests_on=rests_on,
            made_from=promise.made_from,
            agreement=found.agreement,
        )
        for name, found in findings.items()
        if found.setting is not None and found.proof is not None
    )


def provenance(paths: Sequence[Path], grader: str) -> dict[str, str]:
    """What a certificate was made from, for the record: files by their content, and who graded."""
    return {"grader": grader, **{f"outcomes {path.name}": path_fingerprint(path) for path in paths}}


def call_costs(config: Config, records: Sequence[OutcomeRecord], tiers: Sequence[str]) -> dict[str, float]:
    """Mean cost of a call by tier, in millionths of a US dollar: as recorded, else by price and length.

    Money alone: a certificate's savings are in money. Raises CalibrationError where a dearer tier of
    the ladder turns out cheaper, or the top free.
    """
    rates = {tier.name: rates_of(tier) for tier in config.tiers}
    costs = {tier: fmean(_call_cost(rates, record, tier) for record in records) for tier in tiers}
    values = list(costs.values())
    if values != sorted(values) or not values[-1] > 0.0:
        shown = ", ".join(f"{tier} {cost:.3g}" for tier, cost in costs.items())
        raise CalibrationError(
            f"calls cost, in millionths of a dollar, {shown}: a ladder goes from the cheapest to the "
            "dearest tier; give tiers their prices, and the ladder their order"
        )
    return costs


def _call_cost(rates: Mapping[str, Rates], record: OutcomeRecord, tier: str) -> float:
    return recorded_cost(record, tier, rates[tier], MONEY_ALONE).money_usd_micros


def _strata(records: Sequence[OutcomeRecord], promise: Promise) -> dict[str, list[OutcomeRecord]]:
    if not promise.by_task:
        return {EVERYTHING: list(records)}
    strata: dict[str, list[OutcomeRecord]] = {}
    for record in records:
        if not record.task:
            raise CalibrationError(
                f"record {record.id!r} names no task; strata by task need one of each record"
            )
        strata.setdefault(record.task, []).append(record)
    return dict(sorted(strata.items()))
