"""Random traces with the locality of a real model, from its published hit curve.

An LRU stack model (Mattson et al. 1970, IBM Systems Journal 9(2), stack distances): a token asks
for the expert at a random depth of its layer's stack of recent use, and that expert comes to the
top. Depths are drawn so that a cache of the c topmost hits as often as the curve says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from backends.moe.traces.trace import Trace


@dataclass(frozen=True, slots=True)
class Locality:
    """How experts recur: the share of choices (0 to 1) that an LRU cache of so many experts a layer holds."""

    expert_count: int
    top_k: int
    hit_rates: Mapping[int, float]


LOCALITIES = {
    # Qwen3-30B-A3B, 256 cold tokens, an LRU cache a layer: kekzl/imp, pull request 1374 (2026-08),
    # whose slots are matrices, three an expert.
    "qwen3-30b": Locality(128, 8, {8: 0.366, 24: 0.741, 49: 0.894, 81: 0.962}),
    # Qwen3.8-Flash-Next, 300 tokens of real text: kekzl/imp, pull request 2061 (2026-09).
    "fine-512": Locality(512, 10, {93: 0.435, 186: 0.62, 279: 0.72, 372: 0.789}),
}


def generate(locality: Locality, *, token_count: int, layer_count: int, seed: int) -> Trace:
    """Draw a trace; layers are independent."""
    random = np.random.default_rng(seed)
    depths = _depth_distribution(locality)
    choices = np.empty((token_count, layer_count, locality.top_k), np.int16)
    for layer in range(layer_count):
        stack = random.permutation(locality.expert_count).tolist()
        for token in range(token_count):
            # Distinct depths, so that a token's experts are distinct.
            drawn = random.choice(locality.expert_count, locality.top_k, replace=False, p=depths)
            chosen = [stack[depth] for depth in drawn]
            choices[token, layer] = chosen
            kept = set(chosen)
            stack = chosen + [expert for expert in stack if expert not in kept]
    return Trace(choices, locality.expert_count)


def scaled(locality: Locality, expert_count: int, top_k: int) -> Locality:
    """Carry a curve over to another number of experts, by share."""
    ratio = expert_count / locality.expert_count
    rates = {max(1, round(size * ratio)): rate for size, rate in locality.hit_rates.items()}
    return Locality(expert_count, top_k, rates)


def _depth_distribution(locality: Locality) -> npt.NDArray[np.float64]:
    sizes = [0, *locality.hit_rates, locality.expert_count]
    rates = [0.0, *locality.hit_rates.values(), 1.0]
    curve = np.interp(np.arange(locality.expert_count + 1), sizes, rates)
    steps: npt.NDArray[np.float64] = np.diff(curve)
    return np.asarray(steps / steps.sum(), np.float64)
