"""What an answer that never was might have been: those of the most alike requests on which the tier ran.

This is the model behind everything that a log does not show. Decides nothing of what is observed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from policies.answers import worth
from policies.base import Answered, Policy
from policies.follow import Known, Path, follow
from policies.joint import Joint
from policies.odds import Floats
from router.simulate.logged import Logged

_NEIGHBOUR_COUNT = 5


@dataclass(frozen=True, slots=True, eq=False)
class _Ran:
    """Every run of one tier, by ascending predicted quality, and what it cost against what was predicted."""

    qualities: Floats
    answers: Sequence[Answered]
    cost_ratio: float


@dataclass(frozen=True, slots=True)
class World:
    """One way that a request may have gone, with its probability; ``known`` holds the answers made up."""

    path: Path
    known: Known
    share: float


class Deck:
    """Draws answers from ``requests``; see the module. Lost ways end where a tier never ran at all."""

    def __init__(self, requests: Sequence[Logged]) -> None:
        tiers = {tier for request in requests for tier in request.known.answers}
        self._ran: Mapping[str, _Ran] = {tier: _ran(tier, requests) for tier in sorted(tiers)}

    def worlds(self, policy: Policy, known: Known, share: float = 1.0) -> Iterator[World]:
        """All ways that ``policy`` may have taken, their shares summing to ``share``."""
        path = follow(policy, known)
        ran = None if path.lost_at is None else self._ran.get(path.lost_at)
        if path.lost_at is None or ran is None:
            yield World(path, known, share)
            return
        alike = ran.answers[_nearest(ran.qualities, _quality(known, path.lost_at))]
        for answer in alike:
            own = replace(answer, quality=_quality(known, path.lost_at))
            yield from self.worlds(policy, known.with_answer(own), share / len(alike))

    def cost_usd_micros(self, request: Logged, tier: str) -> float:
        """What ``tier`` cost on ``request``, else its prediction, put right by how such turned out."""
        if tier in request.costs:
            return request.costs[tier]
        predicted = {candidate.tier: candidate.cost_usd_micros for candidate in request.known.candidates}
        ran = self._ran.get(tier)
        return predicted.get(tier, 0.0) * (1.0 if ran is None else ran.cost_ratio)


def belief(known: Known, tier: str, joint: Joint, seen: str | None = None) -> float:
    """Probability that ``tier``'s answer is right: its own confidence, else its prediction after ``seen``."""
    answer = known.answers.get(tier)
    if answer is not None:
        return worth(answer)
    other = None if seen is None else known.answers.get(seen)
    quality = _quality(known, tier)
    if other is None or seen is None:
        return quality
    return joint.quality_given(tier, quality, seen, worth(other))


def _ran(tier: str, requests: Sequence[Logged]) -> _Ran:
    runs = [request for request in requests if tier in request.known.answers]
    runs.sort(key=lambda request: request.known.answers[tier].quality)
    paid = sum(request.costs.get(tier, 0) for request in runs)
    predicted = sum(
        candidate.cost_usd_micros
        for request in runs
        for candidate in request.known.candidates
        if candidate.tier == tier
    )
    answers = [request.known.answers[tier] for request in runs]
    qualities = np.array([answer.quality for answer in answers])
    return _Ran(qualities, answers, paid / predicted if predicted else 1.0)


def _nearest(qualities: Floats, wanted: float) -> slice:
    """The runs of nearest predicted quality: a window of the sorted ones."""
    size = min(_NEIGHBOUR_COUNT, len(qualities))
    place = int(np.searchsorted(qualities, wanted)) - size // 2
    start = min(max(0, place), len(qualities) - size)
    return slice(start, start + size)


def _quality(known: Known, tier: str) -> float:
    return next((one.quality for one in known.candidates if one.tier == tier), 0.0)
