"""What a policy would have done with recorded answers: the router's loop, without a router.

Decides nothing itself; it shows a policy what it would have seen and keeps account. Answers and
their costs are those recorded, so a policy can be judged only on tiers that ran.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from policies.arms import is_arm, is_pointless
from policies.base import Accept, Answered, Candidate, Policy, State, Stop, Try
from policies.derive import written
from policies.features import features_of
from policies.learnt import Learnt
from policies.odds import Floats
from policies.outcomes import OutcomeRecord, record_id
from policies.signals.agreement import Reading, read
from policies.signals.base import failed_validation


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """All that policies may see of one record, scored once and shown to each of them.

    ``answers`` by tier are what the router would report of it once it ran; ``readings`` by tier
    are for their agreement, empty where no text was recorded. ``draw`` is the request's own number.
    """

    qualities: Mapping[str, float]
    answers: Mapping[str, Answered]
    readings: Mapping[str, Reading]
    draw: float


@dataclass(frozen=True, slots=True, eq=False)
class Replayed:
    """What became of n records on a ladder of K tiers.

    ``chosen`` int64 (n,): place of the tier whose answer was accepted, -1 where none was;
    ``tried`` bool (n, K): the tiers that ran.
    """

    chosen: NDArray[np.int64]
    tried: NDArray[np.bool_]

    def qualities(self, table: Floats) -> Floats:
        """Quality of what was accepted, (n,), from that of all tiers (n, K); 0 where nothing was."""
        picked = table[np.arange(len(self.chosen)), np.maximum(self.chosen, 0)]
        return np.where(self.chosen >= 0, picked, 0.0)

    def costs(self, table: Floats) -> Floats:
        """Cost of all that ran, (n,), from that of all tiers (n, K)."""
        return np.asarray(np.where(self.tried, table, 0.0).sum(axis=1))


def view_of(learnt: Learnt, record: OutcomeRecord, tiers: Sequence[str]) -> View:
    """Score one record by what was learnt from others; it must have an outcome of every tier."""
    estimates = learnt.difficulty.predict(record.prompt, features_of(record.prompt))
    qualities = {tier: estimates[tier].quality for tier in tiers}
    texts = {tier: written(record.outcomes[tier]) for tier in tiers}
    return View(
        qualities,
        {tier: _answered(learnt, record, tier, qualities[tier]) for tier in tiers},
        {tier: read(text) for tier, text in texts.items() if text is not None},
        _draw(record),
    )


def _answered(learnt: Learnt, record: OutcomeRecord, tier: str, quality: float) -> Answered:
    """What the router's assessment of this answer would be."""
    signals = record.outcomes[tier].signals
    if failed_validation(signals):
        return Answered(tier, quality, 0.0, failed_validation=True)
    return Answered(tier, quality, learnt.confidence.predict(tier, quality, signals))


def _draw(record: OutcomeRecord) -> float:
    digest = blake2b(record_id(record).encode("utf-8", "replace"), digest_size=7).digest()
    return int.from_bytes(digest) / (1 << 56)


def replay(policy: Policy, views: Sequence[View], costs_usd_micros: Mapping[str, float]) -> Replayed:
    """Let ``policy`` decide every view; the ladder is ``costs_usd_micros``, predicted, cheapest first.

    Arms may be among it; K counts them.
    """
    ladder = tuple(costs_usd_micros)
    chosen = np.full(len(views), -1, dtype=np.int64)
    tried = np.zeros((len(views), len(ladder)), dtype=np.bool_)
    for row, view in enumerate(views):
        accepted, ran = _walk(policy, view, costs_usd_micros, ladder)
        chosen[row] = -1 if accepted is None else ladder.index(accepted)
        tried[row, [ladder.index(tier) for tier in ran]] = True
    return Replayed(chosen, tried)


def _walk(
    policy: Policy, view: View, costs: Mapping[str, float], ladder: tuple[str, ...]
) -> tuple[str | None, list[str]]:
    """The tier accepted, None where the policy gave up, and the tiers that ran, in order."""
    left = {tier: Candidate(tier, view.qualities[tier], costs[tier]) for tier in ladder}
    rungs = tuple(tier for tier in ladder if not is_arm(tier))
    ran: list[str] = []
    while True:
        answered = tuple(view.answers[tier] for tier in ran)
        candidates = tuple(left[tier] for tier in left if not is_pointless(tier, ran))
        match policy.decide(State(candidates, answered, draw=view.draw, ladder=rungs)):
            case Try(tier):
                del left[tier]
                ran.append(tier)
            case Accept(index):
                return ran[index], ran
            case Stop():
                return None, ran
