"""A made-up ladder of three tiers whose skills and doubts hang together, and a way to run policies on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from backends.types import Message, Prompt, Role
from policies.base import Policy
from policies.difficulty.embedded import Embedded, EncoderIdentity, probe_of
from policies.learnt import Learnt
from policies.outcomes import Outcome, OutcomeRecord
from policies.replay import replay, view_of

TIERS = ("edge", "local", "frontier")
COSTS_USD_MICROS = {"edge": 20.0, "local": 100.0, "frontier": 1000.0}
_SKILLS = {"edge": 0.3, "local": 1.1, "frontier": 2.2}
_WORDS = (
    "invoice",
    "ledger",
    "parcel",
    "meeting",
    "refund",
    "tariff",
    "garden",
    "engine",
    "archive",
    "harbour",
)


def records(count: int, seed: int) -> list[OutcomeRecord]:
    """Prompts of visible and hidden difficulty; logprob signals are noisy views of being right."""
    rng = np.random.default_rng(seed)
    return [_record(rng, number) for number in range(count)]


def _record(rng: np.random.Generator, number: int) -> OutcomeRecord:
    level = int(rng.integers(1, 6))
    hidden = rng.normal()
    numbers = " ".join(str(rng.integers(10**level, 10 ** (level + 1))) for _ in range(level))
    words = " ".join(rng.choice(_WORDS, size=5))
    prompt = Prompt((Message(Role.USER, f"Task {number}: add {numbers} for the {words}."),))
    outcomes = {}
    for tier in TIERS:
        margin = _SKILLS[tier] - 0.5 * (level - 3) - 0.8 * hidden + 0.6 * rng.normal()
        right = margin > 0.0
        sure = 0.7 * right + 0.2 * margin + 0.8 * rng.normal()
        mean = -float(np.exp(-sure))
        signals = {
            "logprob_mean": mean,
            "logprob_min": 4.0 * mean - float(rng.exponential()),
            "noise": rng.normal(),
        }
        outcomes[tier] = Outcome(float(right), signals, int(rng.integers(5, 10) * level))
    return OutcomeRecord(prompt, outcomes)


@dataclass(frozen=True, slots=True)
class Point:
    """Mean quality in [0, 1] and mean cost in millionths of a dollar of a policy."""

    quality: float
    cost_usd_micros: float


def run(policy: Policy, learnt: Learnt, asked: Sequence[OutcomeRecord]) -> Point:
    """Answer every record as the router would and grade what is accepted."""
    replayed = replay(policy, [view_of(learnt, record, TIERS) for record in asked], COSTS_USD_MICROS)
    qualities = np.array([[record.outcomes[tier].quality for tier in TIERS] for record in asked])
    costs = np.tile(list(COSTS_USD_MICROS.values()), (len(asked), 1))
    return Point(float(replayed.qualities(qualities).mean()), float(replayed.costs(costs).mean()))


def quality_at(points: Mapping[str, Point] | Sequence[Point], cost_usd_micros: float) -> float:
    """Quality of the upper hull of ``points`` at a cost: what mixing two of them would give."""
    known = list(points.values()) if isinstance(points, Mapping) else list(points)
    best = -np.inf
    for first in known:
        for second in known:
            low, high = sorted((first, second), key=lambda point: point.cost_usd_micros)
            if low.cost_usd_micros <= cost_usd_micros <= high.cost_usd_micros:
                width = high.cost_usd_micros - low.cost_usd_micros
                share = (cost_usd_micros - low.cost_usd_micros) / width if width else 1.0
                best = max(best, low.quality + share * (high.quality - low.quality))
    return float(best)


def ladder_heads(learnt: Learnt, *, width: int) -> Learnt:
    """``learnt`` with heads on embeddings of ``width`` numbers that move every prediction."""
    weights = np.zeros((width, 2 * len(TIERS) - 1))
    weights[0] = 3.0
    heads = weights.shape[1]
    embedded = Embedded(
        encoder=EncoderIdentity("made-up", "00", 64),
        tiers=TIERS,
        weights=weights,
        intercepts=np.zeros(heads),
        shares=np.full(heads, 0.5),
        gain_weight=0.0,
        band=(-1.0, 1.0),
        probe_scores=probe_of(width) @ weights,
    )
    return replace(learnt, embedded=embedded)
