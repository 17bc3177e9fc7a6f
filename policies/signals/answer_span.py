"""How sure the model was of the tokens that are its answer, the words around them left out.

In a long answer a few tokens decide, and the certainty of all the others drowns theirs. The span is
where the conclusion is written last.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate

import numpy as np

from backends.types import TokenLogprob
from policies.signals.base import Answer
from policies.signals.logprobs import finite

_READ_TOKEN_COUNT = 2_000
"""Tokens that are searched, from the end."""


class AnswerSpan:
    """In nats, over the tokens of the conclusion: ``span_logprob_mean``, ``_min``, ``_first`` and ``_sum``.

    ``span_margin_min`` and ``span_entropy_max`` where some token has them. Nothing without
    log-probabilities, a conclusion, or its words among the tokens.
    """

    name = "answer_span"
    cost_us = 60.0
    refutes = False

    def measure(self, answer: Answer) -> Mapping[str, float]:
        """Measure the span; a conclusion of one token has equal mean, minimum and sum."""
        final = answer.conclusion if answer.tokens else None
        span = () if final is None else span_of(answer.tokens[-_READ_TOKEN_COUNT:], final.written)
        if not span:
            return {}
        logprobs = finite(token.logprob for token in span)
        measured = {
            "span_logprob_mean": float(logprobs.mean()),
            "span_logprob_min": float(logprobs.min()),
            "span_logprob_first": float(logprobs[0]),
            "span_logprob_sum": float(logprobs.sum()),
        }
        margins = [(t.logprob, t.runner_up_logprob) for t in span if t.runner_up_logprob is not None]
        if margins:
            own, other = finite(pair[0] for pair in margins), finite(pair[1] for pair in margins)
            measured["span_margin_min"] = float((own - other).min())
        entropies = [-token.entropy for token in span if token.entropy is not None]
        if entropies:
            measured["span_entropy_max"] = float(-finite(entropies).min())
        return measured


def span_of(tokens: tuple[TokenLogprob, ...], written: str) -> tuple[TokenLogprob, ...]:
    """Tokens that any character of ``written`` comes from where it stands last; none where it does not."""
    place = "".join(token.text for token in tokens).rfind(written) if written else -1
    if place < 0:
        return ()
    ends = np.fromiter(accumulate(len(token.text) for token in tokens), np.int64, len(tokens))
    first = int(np.searchsorted(ends, place, side="right"))
    last = int(np.searchsorted(ends, place + len(written), side="left"))
    return tokens[first : last + 1]
