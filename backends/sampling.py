"""Draws the next token from logits: the one sampler of every engine in this process.

Temperature first, then the nucleus, as transformers and the common HTTP APIs do it. Pure: all
chance comes from the generator that is handed in.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from backends.types import Sampling


def generator_of(sampling: Sampling) -> np.random.Generator:
    """Make the generator of one answer; equal seeds give equal draws, negative ones included."""
    return np.random.default_rng(None if sampling.seed is None else sampling.seed % 2**64)


def draw(logits: npt.NDArray[np.float32], sampling: Sampling, generator: np.random.Generator) -> int:
    """Draw a token from ``logits`` (float32, (n_vocabulary,)); at temperature 0 the most probable."""
    if sampling.temperature == 0.0:
        return int(logits.argmax())
    with np.errstate(over="ignore"):
        scaled = (logits - logits.max()).astype(np.float64) / sampling.temperature
    weights = np.exp(scaled)
    if sampling.top_p < 1.0:
        weights = _nucleus(weights / weights.sum(), sampling.top_p)
    cumulative = weights.cumsum()
    # Right of ties: a token of weight 0 is never drawn.
    drawn = int(cumulative.searchsorted(generator.random() * cumulative[-1], side="right"))
    return min(drawn, int(cumulative.searchsorted(cumulative[-1])))


def _nucleus(probabilities: npt.NDArray[np.float64], top_p: float) -> npt.NDArray[np.float64]:
    """Keep the fewest, most probable tokens that hold ``top_p`` together (Holtzman et al. 2020, section 3.1).

    Tokens below (1 - top_p) / n hold less than 1 - top_p together, so they cannot be among them;
    without them the sort is short (as in llama2.c, ``sample_topp``).
    """
    (candidates,) = np.nonzero(probabilities >= (1.0 - top_p) / len(probabilities))
    order = candidates[np.argsort(-probabilities[candidates], kind="stable")]
    count = int(probabilities[order].cumsum().searchsorted(top_p)) + 1
    kept = np.zeros_like(probabilities)
    kept[order[:count]] = probabilities[order[:count]]
    return kept
