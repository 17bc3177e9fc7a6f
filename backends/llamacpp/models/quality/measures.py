"""The distance between two models, from their logits at the same positions. Knows no files."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Logits = npt.NDArray[np.float32]
_TOP_COUNT = 5
# Positions that are widened to float64 at once: 16 of 150,000 logits are 19 MB.
_ROW_COUNT = 16


@dataclass(frozen=True, slots=True)
class Measures:
    """Means over positions. All in nats but shares, from 0 to 1, and perplexities.

    ``mean_kl_nats`` is the Kullback-Leibler divergence of the other model from the original's
    distribution, ``kl_error_nats`` its standard error, ``kl_99_nats`` what 99 % of positions stay below.
    ``greedy_agreement``: share of positions where both would write the same token. ``top5_overlap``:
    share of the original's five most probable tokens that are among the other's.
    """

    position_count: int
    perplexity: float
    other_perplexity: float
    mean_kl_nats: float
    kl_error_nats: float
    kl_99_nats: float
    greedy_agreement: float
    top5_overlap: float


@dataclass(slots=True)
class Tally:
    """Adds up positions."""

    divergences: list[npt.NDArray[np.float64]] = field(default_factory=list)
    same_count: int = 0
    shared_top_count: int = 0
    surprise_nats: float = 0.0
    other_surprise_nats: float = 0.0

    def add(self, logits: Logits, other: Logits, following: Sequence[int]) -> None:
        """Count positions of two arrays, (n, vocabulary), float32; ``following`` are the n next tokens."""
        for start in range(0, len(logits), _ROW_COUNT):
            rows = slice(start, start + _ROW_COUNT)
            self._add(logits[rows], other[rows], np.asarray(following[rows], np.int64))

    def _add(self, logits: Logits, other: Logits, following: npt.NDArray[np.int64]) -> None:
        ours, theirs = log_softmax(logits), log_softmax(other)
        # Rounding may leave a hair below zero.
        self.divergences.append(np.maximum(0.0, (np.exp(ours) * (ours - theirs)).sum(-1)))
        self.same_count += int((ours.argmax(-1) == theirs.argmax(-1)).sum())
        self.shared_top_count += sum(
            len(np.intersect1d(a, b)) for a, b in zip(_top(ours), _top(theirs), strict=True)
        )
        at = np.arange(len(following))
        self.surprise_nats -= float(ours[at, following].sum())
        self.other_surprise_nats -= float(theirs[at, following].sum())

    def measures(self) -> Measures:
        """The means; call it once something was added."""
        divergences = np.concatenate(self.divergences)
        count = len(divergences)
        return Measures(
            position_count=count,
            perplexity=_perplexity(self.surprise_nats, count),
            other_perplexity=_perplexity(self.other_surprise_nats, count),
            mean_kl_nats=float(divergences.mean()),
            kl_error_nats=float(divergences.std() / math.sqrt(count)),
            kl_99_nats=float(np.quantile(divergences, 0.99)),
            greedy_agreement=self.same_count / count,
            top5_overlap=self.shared_top_count / (_TOP_COUNT * count),
        )


def log_softmax(logits: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Log-probabilities along the last axis, in float64."""
    shifted = logits.astype(np.float64) - logits.max(-1, keepdims=True)
    normalised: npt.NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
    return normalised


def _top(rows: npt.NDArray[np.float64]) -> npt.NDArray[np.intp]:
    return np.argpartition(rows, -_TOP_COUNT, axis=-1)[:, -_TOP_COUNT:]


def _perplexity(surprise_nats: float, count: int) -> float:
    """Exp of the mean surprise; infinity where it is too large for a float."""
    try:
        return math.exp(surprise_nats / max(1, count))
    except OverflowError:
        return math.inf
