"""Everything that was learnt from graded answers, and what it was worth when it was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from policies.confidence import Confidence
from policies.difficulty.embedded import Embedded
from policies.difficulty.learnt import LearntDifficulty
from policies.features import features_of
from policies.joint import Joint
from policies.outcomes import OutcomeRecord
from policies.probes.refinement import Refinements
from policies.shadow_price import ShadowPrice
from policies.stopping import Stopping


@dataclass(frozen=True, slots=True)
class TierReport:
    """How good a tier's scores were out of fold. None: not measurable (one class, or no model).

    ``difficulty_auroc`` ranks by the prompt alone, ``confidence_auroc`` by prompt and answer;
    ``brier`` and ``ece`` (adaptive) are of the calibrated confidence.
    """

    answer_count: int
    mean_quality: float
    difficulty_auroc: float | None
    confidence_auroc: float | None
    brier: float | None
    ece: float | None


@dataclass(frozen=True, slots=True)
class Learnt:
    """What the router takes from an artefact; ``reports`` by tier, ``shadow_prices`` by policy.

    ``embedded`` None: no encoder has read the prompts, or it had nothing to add.
    """

    difficulty: LearntDifficulty
    confidence: Confidence
    joint: Joint
    prompt_count: int = 0
    reports: Mapping[str, TierReport] = field(default_factory=dict)
    stopping: Stopping = field(default_factory=Stopping)
    shadow_prices: Mapping[str, ShadowPrice] = field(default_factory=dict)
    refinements: Refinements = field(default_factory=Refinements)
    embedded: Embedded | None = None

    def qualities(self, record: OutcomeRecord) -> dict[str, float]:
        """Qualities predicted before anything runs, by tier.

        By the prompt's words, and where these leave it open and an encoder has read it, by that too.
        """
        found = self.difficulty.predict(record.prompt, features_of(record.prompt))
        qualities = {tier: estimate.quality for tier, estimate in found.items()}
        if self.embedded is None or record.embedding is None or not self.embedded.is_uncertain(qualities):
            return qualities
        return {**qualities, **self.embedded.qualities(qualities, record.embedding)}
