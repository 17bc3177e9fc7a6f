"""Draws the next token from logits: the one sampler of every engine that computes on this machine.

Penalties first, then temperature, then what is cut off (top-k, the nucleus, min-p), as
transformers and the common HTTP APIs do it. All chance is a function of the seed and the
position, so an answer is the same whatever runs beside it, and can be taken up again midway.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from backends.types import Sampling

Logits = npt.NDArray[np.float32]
Weights = npt.NDArray[np.float64]
Tokens = npt.NDArray[np.intp]
# exp(-42) * 1,000,000 tokens is below 1e-12.
_NEGLIGIBLE = 42.0
_LOWEST = float(np.finfo(np.float32).min)


def with_seed(sampling: Sampling) -> Sampling:
    """Return ``sampling`` with a seed: its own in [0, 2**64), negative ones wrapped, or one by chance."""
    seed = secrets.randbits(64) if sampling.seed is None else sampling.seed % 2**64
    return replace(sampling, seed=seed)


class Sampler:
    """Draws the tokens of one answer to a prompt of ``prompt_tokens``."""

    def __init__(self, sampling: Sampling, prompt_tokens: Iterable[int] = ()) -> None:
        seeded = with_seed(sampling)
        self._sampling = sampling
        self._seed = seeded.seed
        self._position = 0
        self._repeated = set(prompt_tokens) if sampling.repetition_penalty != 1.0 else set()
        self._written: Counter[int] = Counter()
        self._counts = bool(
            sampling.repetition_penalty != 1.0 or sampling.presence_penalty or sampling.frequency_penalty
        )

    def draw(self, logits: Logits) -> int:
        """Draw a token from ``logits`` (float32, (n_vocabulary,), left as they are).

        At temperature 0 it is the most probable. The same position gives the same token until one
        is accepted. Tokens with a logit of minus infinity are never drawn.
        """
        if self._counts:
            logits = self._penalised(logits)
        if self._sampling.temperature == 0.0:
            return int(logits.argmax())
        tokens, weights = _candidates(logits, self._sampling)
        cumulative = weights.cumsum()
        # Right of ties: a token of weight 0 is never drawn.
        drawn = int(cumulative.searchsorted(self._chance() * cumulative[-1], side="right"))
        return int(tokens[min(drawn, len(tokens) - 1)])

    def accept(self, token: int) -> None:
        """Go on to the next position: ``token`` stands."""
        self._position += 1
        if self._counts:
            self._written[token] += 1
            self._repeated.add(token)

    def _chance(self) -> float:
        """A number in [0, 1) that depends on seed and position alone (Salmon et al. 2011, Philox)."""
        bits = np.random.Philox(key=self._seed, counter=[0, 0, self._position, 0]).random_raw()
        return int(bits >> 11) * 2.0**-53

    def _penalised(self, logits: Logits) -> Logits:
        """Repetition as in Keskar et al. 2019, section 4.1; the others as OpenAI's API has them."""
        penalised = logits.copy()
        if self._sampling.repetition_penalty != 1.0:
            seen = np.fromiter(self._repeated, np.int64, len(self._repeated))
            penalty = np.float32(self._sampling.repetition_penalty)
            penalised[seen] = np.where(logits[seen] > 0, logits[seen] / penalty, logits[seen] * penalty)
        if self._written:
            tokens = np.fromiter(self._written, np.int64, len(self._written))
            counts = np.fromiter(self._written.values(), np.float32, len(self._written))
            penalised[tokens] -= (
                self._sampling.presence_penalty + self._sampling.frequency_penalty * counts
            ).astype(np.float32)
        return penalised


def _candidates(logits: Logits, sampling: Sampling) -> tuple[Tokens, Weights]:
    """Tokens that may be drawn, with weights above 0; few where the model is sure, so this is fast."""
    # All tokens left out here hold less than 1e-12 together.
    floor = max(logits.max() - _NEGLIGIBLE * sampling.temperature, _LOWEST)
    (tokens,) = np.nonzero(logits >= floor)
    if sampling.top_k is not None and sampling.top_k < len(tokens):
        tokens = np.sort(tokens[np.argpartition(-logits[tokens], sampling.top_k - 1)[: sampling.top_k]])
    chosen = logits[tokens].astype(np.float64)
    weights: Weights = np.exp((chosen - chosen.max()) / sampling.temperature)
    if sampling.top_p < 1.0:
        kept = _nucleus(weights / weights.sum(), sampling.top_p)
        tokens, weights = tokens[kept], weights[kept]
    if sampling.min_p > 0.0:
        kept = np.flatnonzero(weights >= sampling.min_p)  # the highest weight is 1
        tokens, weights = tokens[kept], weights[kept]
    return tokens, weights


def _nucleus(probabilities: Weights, top_p: float) -> Tokens:
    """Places of the fewest, most probable tokens that hold ``top_p`` together (Holtzman et al. 2020, 3.1).

    Tokens below (1 - top_p) / n hold less than 1 - top_p together, so they cannot be among them;
    without them the sort is short (as in llama2.c, ``sample_topp``).
    """
    (likely,) = np.nonzero(probabilities >= (1.0 - top_p) / len(probabilities))
    order = likely[np.argsort(-probabilities[likely], kind="stable")]
    count = int(probabilities[order].cumsum().searchsorted(top_p)) + 1
    return np.sort(order[:count])
