"""The learnt estimator: what words and trees say of each tier, and of the gain of going to the top.

Whether a tier is right is one question, whether the top tier would do better another; answered
apart they seldom fit, so the qualities are moved, as little as will do, until their differences
are the gains. Serves without scikit-learn, checked against it by probes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from pydantic import BaseModel, ConfigDict

from backends.types import Prompt
from policies.difficulty.base import DifficultyEstimator, Estimate
from policies.difficulty.linear import LinearDifficulty, ParityError, Scores, prompt_of
from policies.features import features_of
from policies.grove import Grove
from policies.odds import Floats, sigmoids

_MAX_LOG_LENGTH = 12.0
_QUALITY_EDGE = 0.005
_TOLERANCE = 1e-6


class LearntOptions(BaseModel):
    """Nothing to set: all is learnt."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


@dataclass(frozen=True, slots=True, eq=False)
class Blend:
    """Trees beside the line, by head: log-odds of each tier, then gains of the last over the others.

    ``shares`` (heads,) in [0, 1]: their weight; ``gain_weight`` in [0, 1]: that of the gains
    predicted as such beside the difference of two predicted qualities. ``probes`` (prompts, heads):
    what scikit-learn's trees said of the made-up prompts of the linear model.
    """

    grove: Grove
    shares: Floats
    gain_weight: float
    probes: Floats

    def qualities(self, scores: Scores, features: Mapping[str, float]) -> Floats:
        """Probability in (0, 1) that each tier is right, (tiers,)."""
        return joined(
            np.concatenate([scores.log_odds, scores.gains]),
            self.grove.scores(row_of(features, scores)),
            self.shares,
            self.gain_weight,
        )

    def check(self, linear: LinearDifficulty) -> None:
        """Raise ParityError where a probe is scored otherwise than scikit-learn scored it."""
        for probe, expected in zip(linear.probes, self.probes, strict=True):
            features = features_of(prompt_of(probe.text))
            served = self.grove.scores(row_of(features, linear.scores(probe.text, features)))
            worst = float(np.max(np.abs(served - expected)))
            if not worst <= _TOLERANCE:
                raise ParityError(
                    f"the difficulty's trees differ by {worst:.3g} from scikit-learn's score, more than "
                    f"{_TOLERANCE:g}; fit the artefact again with this version"
                )

    def to_json(self) -> dict[str, Any]:
        """Plain values that :meth:`from_json` reads back unchanged."""
        return {
            "grove": self.grove.to_json(),
            "shares": self.shares.tolist(),
            "gain_weight": self.gain_weight,
            "probes": self.probes.tolist(),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read what :meth:`to_json` wrote."""
        return cls(
            Grove.from_json(value["grove"]),
            np.asarray(value["shares"], np.float64),
            float(value["gain_weight"]),
            np.asarray(value["probes"], np.float64),
        )


@dataclass(frozen=True, slots=True, eq=False)
class LearntDifficulty:
    """The linear model, and the blend of it with trees; None where there was too little to grow them."""

    Options: ClassVar[type[LearntOptions]] = LearntOptions

    linear: LinearDifficulty
    blend: Blend | None = None

    @property
    def tiers(self) -> tuple[str, ...]:
        """The tiers that it was fitted on."""
        return self.linear.tiers

    @classmethod
    def build(cls, options: LearntOptions, learnt: DifficultyEstimator | None = None) -> Self:
        """Take the artefact's estimator; ValueError where there is none of this kind."""
        del options
        if not isinstance(learnt, cls):
            raise ValueError(
                "difficulty 'linear' needs a fitted artefact and none was given; calibrate first, "
                "or use difficulty 'heuristic'"
            )
        return learnt

    def predict(self, prompt: Prompt, features: Mapping[str, float]) -> Mapping[str, Estimate]:
        """Estimates for the tiers that it was fitted on."""
        scores = self.linear.scores(prompt.text, features)
        if self.blend is None:
            qualities = sigmoids(scores.log_odds)
        else:
            qualities = self.blend.qualities(scores, features)
        limit = prompt.sampling.max_output_token_count or math.inf
        return {
            tier: Estimate(quality, min(_token_count(log_length), limit))
            for tier, quality, log_length in zip(
                self.tiers, qualities.tolist(), scores.log_lengths.tolist(), strict=True
            )
        }

    def to_json(self) -> dict[str, Any]:
        """Plain values that :meth:`from_json` reads back unchanged."""
        blend = None if self.blend is None else self.blend.to_json()
        return {**self.linear.to_json(), "blend": blend}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read what :meth:`to_json` wrote, this version or the one before it, and check the probes.

        Raises ParityError; KeyError, TypeError or ValueError on anything that was not written so.
        """
        linear = LinearDifficulty.from_json(value)
        if value.get("blend") is None:
            return cls(linear)
        blend = Blend.from_json(value["blend"])
        blend.check(linear)
        return cls(linear, blend)


def row_of(features: Mapping[str, float], scores: Scores) -> Floats:
    """What the trees read of a prompt: features in their order, then topics."""
    return np.concatenate([np.fromiter(features.values(), np.float64, len(features)), scores.topics])


def joined(line: Floats, trees: Floats, shares: Floats, gain_weight: float) -> Floats:
    """Join both models' heads to qualities (..., tiers); ``line`` and ``trees`` (..., 2 * tiers - 1).

    Of all qualities whose differences to the last are the gains wanted, those nearest to what was
    predicted of each tier by itself, in least squares.
    """
    mixed = (1.0 - shares) * line + shares * trees
    tier_count = (mixed.shape[-1] + 1) // 2
    alone = sigmoids(mixed[..., :tier_count])
    differences = alone[..., -1:] - alone[..., :-1]
    gains = (1.0 - gain_weight) * differences + gain_weight * mixed[..., tier_count:]
    top = (alone.sum(axis=-1, keepdims=True) + gains.sum(axis=-1, keepdims=True)) / tier_count
    moved = np.concatenate([top - gains, top], axis=-1)
    return np.asarray(np.clip(moved, _QUALITY_EDGE, 1.0 - _QUALITY_EDGE))


def _token_count(log_length: float) -> float:
    return max(math.expm1(min(log_length, _MAX_LOG_LENGTH)), 1.0)
