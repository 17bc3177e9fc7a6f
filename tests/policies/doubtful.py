"""Made-up answers whose beginnings tell something of how they end, for tests of stopping early."""

from __future__ import annotations

import numpy as np

from backends.types import Message, Prompt, Role, TokenLogprob
from policies.odds import Floats, sigmoids
from policies.outcomes import Outcome, OutcomeRecord
from policies.signals.base import Answer
from policies.signals.logprobs import Logprobs
from policies.signals.prefix import Prefix

_PROMPT = Prompt((Message(Role.USER, "Go."),))


def tokens(rng: np.random.Generator, doubt: float, count: int) -> tuple[TokenLogprob, ...]:
    """So many tokens; the more ``doubt``, the lower their probabilities."""
    return tuple(
        TokenLogprob(" x", -float(value), entropy=float(value)) for value in rng.gamma(1.0, doubt, count)
    )


def answers(count: int, seed: int) -> tuple[Floats, list[Outcome]]:
    """Confidences (n,) in [0, 1], and answers of 20 to 80 tokens whose doubt hangs together with them."""
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=count)
    confidences = sigmoids(1.0 + 1.5 * hidden + 0.5 * rng.normal(size=count))
    return confidences, [_outcome(rng, float(level)) for level in hidden]


def _outcome(rng: np.random.Generator, hidden: float) -> Outcome:
    written = tokens(rng, float(np.exp(-0.8 * hidden - 1.0)), int(rng.integers(20, 80)))
    return Outcome(1.0, Prefix().measure(Answer(_PROMPT, "", tokens=written)), len(written))


def records(count: int, seed: int) -> list[OutcomeRecord]:
    """Prompts that tell nothing, a doubtful small tier, and a top that is right nine times in ten."""
    rng = np.random.default_rng(seed)
    return [_record(rng, number) for number in range(count)]


def _record(rng: np.random.Generator, number: int) -> OutcomeRecord:
    hidden = rng.normal()
    written = tokens(rng, float(np.exp(-0.9 * hidden - 1.0)), int(rng.integers(20, 80)))
    answer = Answer(_PROMPT, "", tokens=written)
    signals = {**Logprobs().measure(answer), **Prefix().measure(answer)}
    sure = tokens(rng, 0.05, 30)
    return OutcomeRecord(
        Prompt((Message(Role.USER, f"Question {number}."),)),
        {
            "edge": Outcome(float(hidden + 0.4 * rng.normal() > 0.0), signals, len(written)),
            "top": Outcome(
                float(rng.random() < 0.9), Logprobs().measure(Answer(_PROMPT, "", tokens=sure)), 30
            ),
        },
    )
