"""How sure a model was of a token, from its raw logits.

Natural logarithms of the softmax at temperature 1, before any truncation, penalty or grammar:
that is what confidence rests on, whatever the sampler did.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from backends.errors import Unavailable
from backends.types import TokenLogprob

# exp() of less than this is 0 in float32, and 0 times it is still a number.
_LOWEST = np.float32(-1000.0)


def token_logprob(text: str, logits: npt.NDArray[np.float32], token: int) -> TokenLogprob:
    """Statistics of ``token``, whose text is ``text``, under ``logits`` (float32, (n_vocabulary,)).

    Takes 0.2 ms at 150,000 tokens, 0.01 ms at 1,000. Raises Unavailable where the
    logits hold no probabilities, as a broken model's do.
    """
    highest = logits.max()
    if not np.isfinite(highest):
        raise Unavailable(
            f"the model gives no probabilities (highest logit: {highest}); its file may be broken"
        )
    shifted = np.clip(logits - highest, _LOWEST, 0.0)
    weights = np.exp(shifted)
    total = float(weights.sum())
    log_total = float(np.log(total))
    others = max(shifted[:token].max(initial=_LOWEST), shifted[token + 1 :].max(initial=_LOWEST))
    return TokenLogprob(
        text,
        logprob=float(shifted[token]) - log_total,
        runner_up_logprob=float(others) - log_total,
        entropy=max(0.0, log_total - float(weights @ shifted) / total),
    )
