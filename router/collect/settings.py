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
from router.certificates.fingerprints import tier_fingerprint
from router.config import Config
from router.config.model import (
    ConfidenceConfig,
    DifficultyConfig,
    JournalConfig,
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
            digest([tier_fingerprint(configured[name]), configured[name].price.model_dump(mode="json")]),
            signals,
        )
        for name in tiers
    }


def policy_of(tier: str) -> str:
    """Name of the policy under which ``tier`` alone answers; no configured policy has such a name."""
    return f"={tier}"


def collecting(config: Config, tiers: Sequence[str]) -> Config:
    """The configuration that runs ``tiers``, knowing nothing learnt and keeping no journal."""
    policies = tuple(
        PolicyConfig.model_construct(
            name=policy_of(tier),
            ladder=(tier,),
            objective=ObjectiveConfig.model_construct(rule="fixed", options=FixedOptions(tier=tier)),
        )
        for tier in tiers
    )
    return config.model_copy(
        update={
            "tiers": tuple(tier for tier in config.tiers if tier.name in tiers),
            "policies": policies,
            "learnt": None,
            # What stands in for a calibrated confidence would be measured as a signal, and never served.
            "confidence": ConfidenceConfig(),
            "difficulty": DifficultyConfig(estimator="heuristic", options=HeuristicOptions()),
            "journal": JournalConfig(),
        }
    )
