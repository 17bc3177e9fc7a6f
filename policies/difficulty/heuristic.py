"""A guess at difficulty for a house that has learnt nothing yet.

It is a guess: long, numeric, coded and multi-step prompts are taken to be hard, and a tier to be
as good as its ``strength`` says. The weights were set by hand and measured on nothing; fit the
linear estimator as soon as a few hundred graded answers exist.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

from backends.types import Prompt
from policies.difficulty.base import DifficultyEstimator, Estimate
from policies.odds import logit, sigmoid

Strength = Annotated[float, Field(gt=0.0, lt=1.0)]

_WEIGHTS = {
    "char_count": 0.05,
    "number_count": 0.10,
    "number_length_max": 0.20,
    "operator_count": 0.05,
    "code_mark_count": 0.15,
    "reasoning_count": 0.15,
    "condition_count": 0.10,
    "negation_count": 0.10,
    "quantifier_count": 0.10,
    "bar_count": 0.10,
    "possessive_count": 0.15,
    "arithmetic_count": 0.10,
    "json_schema_asked": 0.15,
}
_SLOPE = 3.0
"""Log-odds between the easiest and the hardest prompt."""


class HeuristicOptions(BaseModel):
    """What is believed of each tier."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    strengths: dict[str, Strength] = Field(
        default={},
        description="By tier: share of middling prompts that it is believed to get right; "
        "tiers not named are ranked by price.",
    )
    output_token_count: float = Field(256.0, gt=0.0, description="Tokens expected of any answer.")


class HeuristicDifficulty:
    """Strength of the tier against a saturating score of the prompt."""

    Options = HeuristicOptions

    def __init__(self, options: HeuristicOptions) -> None:
        self.options = options

    @classmethod
    def build(cls, options: HeuristicOptions, learnt: DifficultyEstimator | None = None) -> Self:
        """Build from options; what was learnt elsewhere is not used."""
        del learnt
        return cls(options)

    @classmethod
    def for_ladder(cls, tiers: Sequence[str], output_token_count: float = 256.0) -> Self:
        """Strengths by rank alone, evenly spaced from 0.6 (cheapest) to 0.95 (dearest)."""
        step = 0.35 / max(len(tiers) - 1, 1)
        lowest = 0.95 - step * (len(tiers) - 1)
        strengths = {tier: lowest + step * rank for rank, tier in enumerate(tiers)}
        return cls(HeuristicOptions(strengths=strengths, output_token_count=output_token_count))

    def predict(self, prompt: Prompt, features: Mapping[str, float]) -> Mapping[str, Estimate]:
        """Estimates for the tiers of ``options.strengths``."""
        shift = _SLOPE * (difficulty_score(features) - 0.5)
        length = self.options.output_token_count
        limit = prompt.sampling.max_output_token_count
        expected = length if limit is None else min(length, float(max(limit, 1)))
        return {
            tier: Estimate(sigmoid(logit(strength) - shift), expected)
            for tier, strength in self.options.strengths.items()
        }


def difficulty_score(features: Mapping[str, float]) -> float:
    """How hard a prompt looks, in [0, 1): 1 - exp(-weighted sum). Unknown features count 0."""
    return 1.0 - math.exp(-sum(weight * features.get(name, 0.0) for name, weight in _WEIGHTS.items()))
