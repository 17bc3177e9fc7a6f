"""What a prompt's words say, as it is served: TF-IDF terms and features times a matrix of weights.

Fitted by scikit-learn in ``fit_linear``; this file imports none of it. Probes that scikit-learn
scored when it was fitted are scored again when it is loaded, and a difference is an error.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np

from backends.types import Message, Prompt, Role
from policies.difficulty.terms import terms_of
from policies.features import features_of
from policies.odds import Floats

FEATURE_EDGE = 4.0
"""Standard deviations at which a feature is cut, so that an odd prompt is not off the chart."""
_TOLERANCE = 1e-6


class ParityError(ValueError):
    """The exported scorer does not give the scores that scikit-learn gave when it was fitted."""


@dataclass(frozen=True, slots=True)
class Probe:
    """A made-up prompt, and scikit-learn's scores for it, as many as ``weights`` has columns."""

    text: str
    scores: tuple[float, ...]


class Scores(NamedTuple):
    """A prompt's scores by kind: log-odds and log lengths (tiers,), gains, topics."""

    log_odds: Floats
    log_lengths: Floats
    gains: Floats
    topics: Floats


@dataclass(frozen=True, slots=True, eq=False)
class LinearDifficulty:
    """Linear models of a prompt, side by side, and the topics of its words.

    ``weights`` float64 (terms + features, columns): log-odds of a right answer by tier, then
    log(1 + output tokens) by tier, then, ``gain_count`` of them, what the last tier is better by
    than each other one, then topics, for trees to read. ``intercepts`` (columns,). ``vocabulary``
    maps a term to its row; ``idf`` (terms,).
    """

    tiers: tuple[str, ...]
    vocabulary: Mapping[str, int]
    idf: Floats
    feature_mean: Floats
    feature_scale: Floats
    weights: Floats
    intercepts: Floats
    gain_count: int = 0
    probes: tuple[Probe, ...] = ()

    def scores(self, text: str, features: Mapping[str, float]) -> Scores:
        """Score a prompt by every column. Sublinear term counts, L2-normalised."""
        columns, tier_count = self.columns(text, features), len(self.tiers)
        lengths, topics = 2 * tier_count, 2 * tier_count + self.gain_count
        return Scores(
            columns[:tier_count], columns[tier_count:lengths], columns[lengths:topics], columns[topics:]
        )

    def columns(self, text: str, features: Mapping[str, float]) -> Floats:
        """Return the raw scores, float64 (columns,)."""
        vocabulary = self.vocabulary
        counts = [(vocabulary[term], n) for term, n in Counter(terms_of(text)).items() if term in vocabulary]
        total = standardise(features, self.feature_mean, self.feature_scale) @ self.weights[len(self.idf) :]
        if counts:
            rows, found = zip(*counts, strict=True)
            places = np.array(rows)
            values = (1.0 + np.log(np.array(found))) * self.idf[places]
            total = total + (values / math.sqrt(float(values @ values))) @ self.weights[places]
        return np.asarray(total + self.intercepts)

    def to_json(self) -> dict[str, Any]:
        """Plain values that :meth:`from_json` reads back unchanged."""
        return {
            "tiers": list(self.tiers),
            "terms": sorted(self.vocabulary, key=lambda term: self.vocabulary[term]),
            "idf": self.idf.tolist(),
            "feature_mean": self.feature_mean.tolist(),
            "feature_scale": self.feature_scale.tolist(),
            "weights": self.weights.tolist(),
            "intercepts": self.intercepts.tolist(),
            "gain_count": self.gain_count,
            "probes": [[probe.text, list(probe.scores)] for probe in self.probes],
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read what :meth:`to_json` wrote and check its probes.

        Raises ParityError; KeyError, TypeError or ValueError on anything that was not written so.
        """
        arrays = {name: np.asarray(value[name], np.float64) for name in _ARRAYS}
        scorer = cls(
            tiers=tuple(value["tiers"]),
            vocabulary={term: row for row, term in enumerate(value["terms"])},
            gain_count=int(value.get("gain_count", 0)),
            probes=tuple(Probe(text, tuple(scores)) for text, scores in value["probes"]),
            **arrays,
        )
        scorer.check()
        return scorer

    def check(self) -> None:
        """Raise ParityError where a probe scores otherwise than scikit-learn scored it, or none is there."""
        if not self.probes:
            raise ParityError("no difficulty probe to check the scorer by; fit the artefact again")
        for place, probe in enumerate(self.probes):
            scores = self.columns(probe.text, features_of(prompt_of(probe.text)))
            worst = float(np.max(np.abs(scores - np.array(probe.scores))))
            if not worst <= _TOLERANCE:
                raise ParityError(
                    f"difficulty probe {place} differs by {worst:.3g} from scikit-learn's score, more "
                    f"than {_TOLERANCE:g}; fit the artefact again with this version"
                )


_ARRAYS = ("idf", "feature_mean", "feature_scale", "weights", "intercepts")


def prompt_of(text: str) -> Prompt:
    """Return ``text`` as the only message of a user."""
    return Prompt((Message(Role.USER, text),))


def standardise(features: Mapping[str, float], mean: Floats, scale: Floats) -> Floats:
    """Centre, scale and cut features in their fixed order; float64 (features,)."""
    values = np.fromiter(features.values(), np.float64, len(features))
    return np.clip((values - mean) / scale, -FEATURE_EDGE, FEATURE_EDGE)
