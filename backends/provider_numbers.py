"""Numbers that servers send, in a form that can be trusted: token counts, and log-probabilities.

A server may lie. What cannot be is either refused, where it would be billed, or taken for unknown,
where it would be believed.
"""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from backends.types import Sampling, TokenLogprob

# No request has more; a server that claims so would have it billed, and break what counts in 64 bits.
TokenCount = Annotated[int, Field(ge=0, le=10**9)]
# Servers that compute in 16 bits round to just above 0. What is further above is no log-probability.
_ROUNDING = 0.01
# The most probable tokens that these APIs give at a position, and as many as confidence needs: the
# chosen one and its runner-up.
_MAX_TOP_LOGPROB_COUNT, _MIN_TOP_LOGPROB_COUNT = 20, 2


class TopLogprob(BaseModel):
    """One of the most probable tokens at a position."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    token: str
    logprob: float


class ContentLogprob(TopLogprob):
    """A generated token and the most probable ones at its position."""

    top_logprobs: tuple[TopLogprob, ...] | None = ()

    def token_logprob(self, top_count: int = 0) -> TokenLogprob:
        """Translate it. What is no log-probability becomes NaN, which is never taken for certainty."""
        top = [(each.token, believable(each.logprob)) for each in self.top_logprobs or ()]
        others = [logprob for token, logprob in top if token != self.token and not math.isnan(logprob)]
        best = sorted(top, key=lambda each: each[1] if not math.isnan(each[1]) else -math.inf, reverse=True)
        return TokenLogprob(
            self.token,
            believable(self.logprob),
            max(others, default=None),
            top=tuple(best[:top_count]),
        )


def believable(logprob: float) -> float:
    """Return ``logprob`` where it can be one, 0 where it is that but for rounding, else NaN."""
    return min(logprob, 0.0) if logprob <= _ROUNDING else math.nan


def asked_logprob_count(sampling: Sampling) -> int:
    """How many of the most probable tokens to ask for at every position."""
    return min(max(sampling.top_logprob_count, _MIN_TOP_LOGPROB_COUNT), _MAX_TOP_LOGPROB_COUNT)
