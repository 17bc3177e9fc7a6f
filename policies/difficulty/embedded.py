"""A second opinion on a prompt: what an encoder's embedding of it says beside its words.

Decides when the first opinion leaves enough open to ask, and how the two are joined. Refuses to know
how texts become embeddings; whose they must be, ``encoder`` says. Serves without scikit-learn,
checked against it by probes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np

from policies.difficulty.learnt import joined
from policies.difficulty.linear import ParityError
from policies.odds import Floats, logits

_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class EncoderIdentity:
    """Whose embeddings were learnt from: others mean something else.

    ``name`` is where it was loaded from, a folder or a name on the hub; ``sha256`` is of its weights
    and its vocabulary, in hexadecimal; ``token_limit`` tokens of a text are read.
    """

    name: str
    sha256: str
    token_limit: int


@dataclass(frozen=True, slots=True, eq=False)
class Embedded:
    """Linear models of an embedding, by head: log-odds of each tier, then gains of the last over the others.

    ``weights`` float64 (width, heads) and ``intercepts`` (heads,). ``shares`` (heads,) in [0, 1] are
    their weight beside the first opinion, and ``gain_weight`` that of gains predicted as such.
    ``band``: predicted gains of the last tier over the first between which the embedding is worth its
    time. ``probe_scores`` (heads,) are scikit-learn's of :func:`probe_of` the width.
    """

    encoder: EncoderIdentity
    tiers: tuple[str, ...]
    weights: Floats
    intercepts: Floats
    shares: Floats
    gain_weight: float
    band: tuple[float, float]
    probe_scores: Floats

    def is_uncertain(self, qualities: Mapping[str, float]) -> bool:
        """Whether the qualities predicted by words alone leave enough open; False where a tier is missing."""
        first, last = qualities.get(self.tiers[0]), qualities.get(self.tiers[-1])
        if first is None or last is None or any(tier not in qualities for tier in self.tiers):
            return False
        low, high = self.band
        return low <= last - first <= high

    def qualities(self, qualities: Mapping[str, float], embedding: Floats) -> dict[str, float]:
        """Predictions in (0, 1) by both; ``qualities`` must have all ``tiers``, ``embedding`` is (width,)."""
        first = np.array([qualities[tier] for tier in self.tiers])
        found = joined(opinion(first), self.scores(embedding), self.shares, self.gain_weight)
        return dict(zip(self.tiers, found.tolist(), strict=True))

    def scores(self, embedding: Floats) -> Floats:
        """What the embedding alone says, (heads,)."""
        return np.asarray(embedding @ self.weights + self.intercepts)

    def check(self) -> None:
        """Raise ParityError where the probe is scored otherwise than scikit-learn scored it.

        ValueError where the arrays are not of one ladder.
        """
        heads = (2 * len(self.tiers) - 1,)
        shapes = {self.weights.shape[1:], *(getattr(self, name).shape for name in _ARRAYS[1:])}
        if shapes != {heads}:
            raise ValueError(f"an embedding's arrays have the shapes {shapes} and not {heads} heads")
        worst = float(np.max(np.abs(self.scores(probe_of(len(self.weights))) - self.probe_scores)))
        if not worst <= _TOLERANCE:
            raise ParityError(
                f"the embedding's heads differ by {worst:.3g} from scikit-learn's score, more than "
                f"{_TOLERANCE:g}; fit the artefact again with this version"
            )

    def to_json(self) -> dict[str, Any]:
        """Plain values that :meth:`from_json` reads back unchanged."""
        return {
            "encoder": asdict(self.encoder),
            "tiers": list(self.tiers),
            "gain_weight": self.gain_weight,
            "band": list(self.band),
            **{name: getattr(self, name).tolist() for name in _ARRAYS},
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read what :meth:`to_json` wrote and check its probe.

        Raises ParityError; KeyError, TypeError or ValueError on anything that was not written so.
        """
        low, high = map(float, value["band"])
        embedded = cls(
            encoder=EncoderIdentity(**value["encoder"]),
            tiers=tuple(value["tiers"]),
            gain_weight=float(value["gain_weight"]),
            band=(low, high),
            **{name: np.asarray(value[name], np.float64) for name in _ARRAYS},
        )
        embedded.check()
        return embedded


_ARRAYS = ("weights", "intercepts", "shares", "probe_scores")


def opinion(qualities: Floats) -> Floats:
    """Qualities (..., tiers) as heads: log-odds, then gains of the last over each other one."""
    return np.concatenate([logits(qualities), qualities[..., -1:] - qualities[..., :-1]], axis=-1)


def probe_of(width: int) -> Floats:
    """Return a made-up embedding of length 1: nobody's prompt is kept to check by."""
    wave = np.cos(np.arange(1.0, width + 1.0))
    return np.asarray(wave / np.linalg.norm(wave))
