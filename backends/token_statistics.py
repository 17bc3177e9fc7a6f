"""How sure a model was of a token, from its raw logits.

Natural logarithms of the softmax at temperature 1, before any truncation or penalty: that is what
confidence rests on, whatever the sampler did. Tokens with a logit of minus infinity are no choices and
have no part in it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import numpy.typing as npt

from backends.errors import Unavailable
from backends.types import TokenLogprob

Logits = npt.NDArray[np.float32]
# exp() of less than this is 0 in float32, and 0 times it is still a number.
_LOWEST = np.float32(-1000.0)
# Between these, exp() of the highest logit and all that matters beside it are ordinary float32 numbers.
_ORDINARY = (-20.0, 60.0)
# Of so many columns the highest are looked at first, to find the most probable tokens without a sort.
_COLUMN_COUNT = 256
# Logits are summed up by pieces of so many (the fastest of 8,192 to 65,536 at 1 MiB of L2 a core), and their
# maxima are taken by runs of so many.
_PIECE_LENGTH = 32_768
_RUN_LENGTH = 4096


def token_logprob(text: str, logits: Logits, token: int) -> TokenLogprob:
    """Statistics of ``token``, whose text is ``text``, under ``logits`` (float32, (n_vocabulary,)).

    Takes 0.24 ms at 150,000 tokens (a busy 2.5 GHz core): half of it is one exp(). Raises Unavailable where
    the logits hold no probabilities, as a broken model's do.
    """
    highest, other = _highest_and_other(logits, token)
    if not math.isfinite(highest):
        raise Unavailable(
            f"the model gives no probabilities (highest logit: {highest}); its file may be broken"
        )
    offset = 0.0 if _ORDINARY[0] < highest < _ORDINARY[1] else highest
    with np.errstate(invalid="ignore"):
        total, weighted = _sums(logits, offset)
    log_total = math.log(total) + offset
    chosen = float(logits[token])
    return TokenLogprob(
        text,
        logprob=min(0.0, chosen - log_total),
        runner_up_logprob=min(0.0, other - log_total) if other > -math.inf else None,
        entropy=max(0.0, log_total - offset - weighted / total),
    )


def with_top(
    statistics: TokenLogprob, logits: Logits, token: int, count: int, text_of: Callable[[int], str]
) -> TokenLogprob:
    """Add the ``count`` most probable tokens to the ``statistics`` of ``token``; fewer where no more can be.

    Takes 0.06 ms at 150,000.
    """
    log_total = float(logits[token]) - statistics.logprob
    return replace(
        statistics,
        top=tuple(
            (text_of(int(other)), min(0.0, float(logits[other]) - log_total))
            for other in most_probable(logits, count)
            if logits[other] > -math.inf
        ),
    )


def most_probable(logits: Logits, count: int) -> npt.NDArray[np.intp]:
    """Return the ``count`` tokens with the highest ``logits``, best first; all, where there are fewer."""
    count = min(count, len(logits))
    rows, rest = divmod(len(logits), _COLUMN_COUNT)
    if rows < 2 or count + rest > _COLUMN_COUNT:
        candidates = np.arange(len(logits))
    else:
        # As many columns' highest are no lower than this, so nothing below it is among the highest.
        highest = logits[: rows * _COLUMN_COUNT].reshape(rows, _COLUMN_COUNT).max(axis=0)
        candidates = np.flatnonzero(logits >= np.partition(highest, -count)[-count])
    order = np.argsort(-logits[candidates], kind="stable")[:count]
    chosen: npt.NDArray[np.intp] = candidates[order]
    return chosen


def _highest_and_other(logits: Logits, token: int) -> tuple[float, float]:
    """The highest of ``logits``, and the highest but for that of ``token``; in one pass and a bit."""
    starts = _starts(len(logits))
    maxima = np.maximum.reduceat(logits, starts)
    highest = float(maxima.max())
    if logits[token] < highest:
        return highest, highest
    place = token // _RUN_LENGTH
    start = place * _RUN_LENGTH
    own = logits[start : start + _RUN_LENGTH]
    rest = (maxima[:place], maxima[place + 1 :], own[: token - start], own[token - start + 1 :])
    return highest, max(float(part.max(initial=-np.inf)) for part in rest)


def _sums(logits: Logits, offset: float) -> tuple[float, float]:
    """The sum of exp(logits - offset), and of each of these times its logit - offset.

    Piece by piece: a whole array of weights would leave the processor's nearer caches before it is read
    again, and its memory be asked of the system each time.
    """
    total = weighted = 0.0
    buffer = np.empty(min(len(logits), _PIECE_LENGTH), np.float32)
    for start in range(0, len(logits), _PIECE_LENGTH):
        piece = logits[start : start + _PIECE_LENGTH]
        shifted = piece - np.float32(offset) if offset else piece
        weights = np.exp(shifted, out=buffer[: len(piece)])
        # Adding up by a scalar product takes half the time of a sum.
        total += float(weights @ _ones(len(piece)))
        weighted += _weighted(weights, shifted)
    return total, weighted


def _weighted(weights: Logits, shifted: Logits) -> float:
    """The sum of ``weights`` times ``shifted``, where no weight counts as 0 whatever it is multiplied by."""
    total = float(weights @ shifted)
    return total if math.isfinite(total) else float(weights @ np.clip(shifted, _LOWEST, None))


@cache
def _ones(length: int) -> Logits:
    return np.ones(length, np.float32)


@cache
def _starts(length: int) -> npt.NDArray[np.intp]:
    return np.arange(0, length, _RUN_LENGTH)
