"""How sure the model was of its own tokens: the cheapest signal there is.

Sorted once, every quantile read off. All generated tokens count, reasoning too: where a model
hesitates while it thinks, its answer is in doubt.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from backends.types import TokenLogprob
from policies.odds import Floats
from policies.signals.base import Answer

WINDOW_TOKEN_COUNT = 4
"""A doubtful number or name is about four tokens long."""
FLOOR = -100.0
"""Natural logarithm under which a probability counts as 0; keeps every value finite."""

_QUANTILES = {f"logprob_q{round(100 * share):02d}": share for share in (0.05, 0.10, 0.25, 0.50)}


class Logprobs:
    """Quantiles, extremes, margin and entropy of the generated tokens, in nats."""

    name = "logprobs"
    cost_us = 50.0
    refutes = False

    def measure(self, answer: Answer) -> Mapping[str, float]:
        """Nothing without log-probabilities; margin and entropy where some token has them."""
        if not answer.tokens:
            return {}
        return {
            **_levels(finite(token.logprob for token in answer.tokens)),
            **_margins(answer.tokens),
            **_entropies(answer.tokens),
        }


def finite(values: Iterable[float]) -> Floats:
    """FLOOR stands in for -inf and NaN; nothing is above 0."""
    return np.minimum(np.fmax(np.fromiter(values, np.float64), FLOOR), 0.0)


def _levels(logprobs: Floats) -> dict[str, float]:
    ordered = np.sort(logprobs).tolist()
    total = float(logprobs.sum())
    return {
        **{name: _quantile(ordered, share) for name, share in _QUANTILES.items()},
        "logprob_min": ordered[0],
        "logprob_mean": total / len(logprobs),
        "logprob_sum": total,
        "logprob_worst_window": _worst_window(logprobs),
        "logprob_token_count": float(len(logprobs)),
    }


def _quantile(ordered: list[float], share: float) -> float:
    """Read a quantile off, between two values in proportion."""
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def _worst_window(logprobs: Floats) -> float:
    """Lowest mean of WINDOW_TOKEN_COUNT tokens in a row; of all where there are fewer."""
    width = min(WINDOW_TOKEN_COUNT, len(logprobs))
    sums = np.concatenate(([0.0], np.cumsum(logprobs)))
    return float((sums[width:] - sums[:-width]).min()) / width


def _margins(tokens: tuple[TokenLogprob, ...]) -> dict[str, float]:
    """By how much a token led the most probable other one; negative where it was drawn from behind."""
    pairs = [(t.logprob, t.runner_up_logprob) for t in tokens if t.runner_up_logprob is not None]
    if not pairs:
        return {}
    margins = finite(own for own, _ in pairs) - finite(other for _, other in pairs)
    return {"margin_min": float(margins.min()), "margin_mean": float(margins.mean())}


def _entropies(tokens: tuple[TokenLogprob, ...]) -> dict[str, float]:
    entropies = [t.entropy for t in tokens if t.entropy is not None]
    if not entropies:
        return {}
    finite = np.minimum(np.fmax(np.array(entropies), 0.0), -FLOOR)
    return {"entropy_max": float(finite.max()), "entropy_mean": float(finite.mean())}
