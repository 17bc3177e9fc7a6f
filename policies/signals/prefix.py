"""How sure a model was of the beginning of its answer, at a few checkpoints along the way.

The same numbers are kept while an answer is written and measured once it is complete, so what is
learnt from complete answers holds for one that may still be stopped. A checkpoint is measured
where the answer reached it; how the answer went on is not looked at.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping

import numpy as np

from backends.types import TokenLogprob
from policies.odds import Floats
from policies.signals.base import Answer
from policies.signals.logprobs import FLOOR, WINDOW_TOKEN_COUNT, finite

CHECKPOINTS = (8, 16, 32, 64, 128)
"""Counts of tokens, reasoning included, at which the statistics are taken."""
MARK = "prefix_"
"""Names of these measures begin so, followed by the checkpoint."""


class PrefixStatistics:
    """Running statistics of an answer's tokens; one more token takes constant time and memory."""

    def __init__(self) -> None:
        self.count = 0
        self._logprob_sum = 0.0
        self._logprob_min = 0.0
        self._window: deque[float] = deque(maxlen=WINDOW_TOKEN_COUNT)
        self._worst_window = 0.0
        self._entropy_sum = 0.0
        self._entropy_count = 0

    def add(self, token: TokenLogprob) -> None:
        """Count one more token."""
        logprob = _finite(token.logprob)
        self.count += 1
        self._logprob_sum += logprob
        self._logprob_min = min(self._logprob_min, logprob)
        self._window.append(logprob)
        mean = sum(self._window) / len(self._window)
        is_first = self.count <= WINDOW_TOKEN_COUNT
        self._worst_window = mean if is_first else min(self._worst_window, mean)
        if token.entropy is not None:
            self._entropy_sum += -_finite(-token.entropy)
            self._entropy_count += 1

    @property
    def is_at_checkpoint(self) -> bool:
        """Whether the tokens so far end at a checkpoint."""
        return self.count in CHECKPOINTS

    def measures(self) -> dict[str, float]:
        """What is known of the tokens so far, in nats, under names that carry their count."""
        if not self.count:
            return {}
        name = f"{MARK}{self.count}_"
        measured = {
            f"{name}logprob_mean": self._logprob_sum / self.count,
            f"{name}logprob_min": self._logprob_min,
            f"{name}logprob_worst_window": self._worst_window,
        }
        if self._entropy_count:
            measured[f"{name}entropy_mean"] = self._entropy_sum / self._entropy_count
        return measured


class Prefix:
    """The statistics of every checkpoint that an answer reached."""

    name = "prefix"
    cost_us = 50.0
    refutes = False

    def measure(self, answer: Answer) -> Mapping[str, float]:
        """Nothing without log-probabilities."""
        reached = [count for count in CHECKPOINTS if count <= len(answer.tokens)]
        if not reached:
            return {}
        columns = _running(answer.tokens[: reached[-1]])
        return {
            f"{MARK}{count}_{name}": value
            for count in reached
            for name, column in columns.items()
            if math.isfinite(value := float(column[count - 1]))
        }


def _running(tokens: tuple[TokenLogprob, ...]) -> dict[str, Floats]:
    """:class:`PrefixStatistics` after each token, (tokens,), all at once; NaN where there is none."""
    logprobs = finite(token.logprob for token in tokens)
    sums = np.concatenate(([0.0], np.cumsum(logprobs)))
    places = np.arange(1, len(tokens) + 1)
    windows = (sums[places] - sums[np.maximum(places - WINDOW_TOKEN_COUNT, 0)]) / np.minimum(
        places, WINDOW_TOKEN_COUNT
    )
    # Until a window is full there is one, of all tokens so far.
    full = windows[WINDOW_TOKEN_COUNT - 1 :]
    worst = np.concatenate((windows[: WINDOW_TOKEN_COUNT - 1], np.minimum.accumulate(full)))
    return {
        "logprob_mean": sums[1:] / places,
        "logprob_min": np.minimum.accumulate(logprobs),
        "logprob_worst_window": worst,
        **_running_entropy(tokens),
    }


def _running_entropy(tokens: tuple[TokenLogprob, ...]) -> dict[str, Floats]:
    known = [token.entropy is not None for token in tokens]
    if not any(known):
        return {}
    entropies = -finite(-(token.entropy or 0.0) for token in tokens)
    with np.errstate(invalid="ignore"):
        means = np.cumsum(np.where(known, entropies, 0.0)) / np.cumsum(known)
    return {"entropy_mean": means}


def checkpoint_of(name: str) -> int | None:
    """The checkpoint that a measure belongs to; None for a measure of another family."""
    if not name.startswith(MARK):
        return None
    count = name.removeprefix(MARK).partition("_")[0]
    return int(count) if count.isdecimal() else None


def _finite(logprob: float) -> float:
    """FLOOR stands in for -inf and NaN; nothing is above 0."""
    return min(logprob, 0.0) if logprob >= FLOOR else FLOOR
