"""The seam between a prompt and what is predicted of each tier before anything runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from backends.types import Prompt


@dataclass(frozen=True, slots=True)
class Estimate:
    """What is predicted of one tier.

    ``quality``: probability in [0, 1] that its answer is acceptable (difficulty is 1 - quality);
    ``output_token_count``: expected tokens of its answer, above 0.
    """

    quality: float
    output_token_count: float


@runtime_checkable
class DifficultyEstimator(Protocol):
    """Predicts, per tier, how well and at what length it would answer.

    A registered class is built as ``Class.build(options, learnt)``: ``options`` is an instance of
    its strict pydantic ``Class.Options``, ``learnt`` the fitted estimator of the artefact or None.
    ``predict`` is pure and takes well under a millisecond a kilobyte.
    """

    def predict(self, prompt: Prompt, features: Mapping[str, float]) -> Mapping[str, Estimate]:
        """Estimates for the tiers that it knows, and only those.

        ``features`` are :func:`policies.features.features_of` of ``prompt``.
        """
        ...
