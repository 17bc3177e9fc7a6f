"""A configuration made to collect: the same tiers, each under a policy of its own, and nothing else.

Decides what an answer rests on, so that answers of two configurations are never mixed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from policies.difficulty.heuristic import HeuristicOptions
from policies.fixed import FixedOptions
from policies.guarantee.certificate import digest
from router.certificates.code import signals_fingerprint
from router.certificates.fingerprints import redaction_fingerprint, tier_fingerprint
from router.config import Config, LedgerConfig
from router.config.model import (
    ConfidenceConfig,
    ConstraintsConfig,
    DifficultyConfig,
    JournalConfig,
    MatchConfig,
    PolicyConfig,
)
from router.config.objective import ObjectiveConfig


@dataclass(frozen=True, slots=True)
class TierPrint:
    """Fingerprints of what a tier's answers and their costs rest on, and of the code of its signals."""

    fingerprint: str
    signals: str


def tier_prints(config: Config, tiers: Sequence[str]) -> dict[str, TierPrint]:
    """Fingerprints by tier. Raises OSError where a file of weights cannot be read."""
    configured = {tier.name: tier for tier in config.tiers}
    signals = signals_fingerprint()
    return {
        name: TierPrint(
            digest(
                [
                    tier_fingerprint(configured[name]),
                    configured[name].price.model_dump(mode="json"),
                    *redaction_fingerprint(config, redacts=_limits(config, name).redact).values(),
                ]
            ),
            signals,
        )
        for name in tiers
    }


def policy_of(tier: str) -> str:
    """Name of the policy under which ``tier`` alone answers; no configured policy has such a name."""
    return f"={tier}"


def _limits(config: Config, tier: str) -> ConstraintsConfig:
    """What of a prompt ``tier`` may see: no more than under any policy that would ask it."""
    asking = [policy.constraints for policy in config.policies if tier in policy.ladder]
    return ConstraintsConfig(
        local_only=bool(asking) and all(limits.local_only for limits in asking),
        redact=any(limits.redact for limits in asking),
    )


def _alone(name: str, tier: str) -> PolicyConfig:
    """A policy that lets ``tier`` answer and knows no other."""
    return PolicyConfig.model_construct(
        name=name,
        ladder=(tier,),
        objective=ObjectiveConfig.model_construct(rule="fixed", options=FixedOptions(tier=tier)),
    )


def collecting(config: Config, tiers: Sequence[str]) -> Config:
    """The configuration that runs ``tiers``, at least one, knowing nothing learnt and keeping no journal."""
    policies = tuple(
        _alone(policy_of(tier), tier).model_copy(update={"constraints": _limits(config, tier)})
        for tier in tiers
    )
    # Nobody decides by these, but what they say of a class of data still binds prompts of that class.
    classes = tuple(
        _alone(policy.name, tiers[0]).model_copy(
            update={"match": policy.match, "constraints": policy.constraints}
        )
        for policy in config.policies
        if policy.match != MatchConfig()
    )
    return config.model_copy(
        update={
            "tiers": tuple(tier for tier in config.tiers if tier.name in tiers),
            "policies": (*classes, *policies),
            "learnt": None,
            # What stands in for a calibrated confidence would be measured as a signal, and never served.
            "confidence": ConfidenceConfig(costly_signals="always"),
            "difficulty": DifficultyConfig(estimator="heuristic", options=HeuristicOptions()),
            "journal": JournalConfig(),
            "tenants": (),
            "ledger": LedgerConfig(),
        }
    )
