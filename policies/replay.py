"""What a policy would have done with recorded answers: the router's loop, without a router.

Decides nothing itself; it shows a policy what it would have seen and keeps account. Answers and
their costs are those recorded, so a policy can be judged only on tiers that ran.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from policies.arms import is_arm, is_pointless
from policies.base import Accept, Answered, Candidate, Policy, State, Stop, Try
from policies.costs import MONEY_ALONE, Rates, Weights, rest_cost
from policies.derive import written
from policies.foresight import stakes_of
from policies.learnt import Learnt
from policies.odds import Floats
from policies.outcomes import OutcomeRecord, record_id
from policies.signals.agreement import Reading, read
from policies.signals.base import failed_validation
from policies.signals.same import sameness
from policies.stopping import Checkpoint, Stakes, Stopping, hopeless


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """All that policies may see of one record, scored once and shown to each of them.

    ``answers`` by tier are what the router would report of it once it ran; ``readings`` by tier
    are of its text, absent where none was recorded. ``draw`` is the request's own number.
    ``signals`` by tier are what was measured of the answer, its beginning included.
    """

    qualities: Mapping[str, float]
    answers: Mapping[str, Answered]
    readings: Mapping[str, Reading]
    draw: float
    signals: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    _agreements: dict[tuple[str, str], float] = field(default_factory=dict)

    def answered(self, ran: Sequence[str]) -> tuple[Answered, ...]:
        """What the router would know once the tiers ``ran``, in order of time."""
        return tuple(self._answered(tier, ran[:place]) for place, tier in enumerate(ran))

    def _answered(self, tier: str, earlier: Sequence[str]) -> Answered:
        told = ((other, self.agreement(tier, other)) for other in earlier)
        known = {other: agreement for other, agreement in told if agreement is not None}
        return replace(self.answers[tier], agreements=known) if known else self.answers[tier]

    def agreement(self, first: str, second: str) -> float | None:
        """How far the two tiers' answers say the same, in [0, 1]; None where either has no text."""
        if first not in self.readings or second not in self.readings:
            return None
        key = (first, second) if first < second else (second, first)
        if key not in self._agreements:
            self._agreements[key] = sameness(self.readings[first], self.readings[second])
        return self._agreements[key]


@dataclass(frozen=True, slots=True, eq=False)
class Replayed:
    """What became of n records on a ladder of K tiers.

    ``chosen`` int64 (n,): place of the tier whose answer was accepted, -1 where none was;
    ``tried`` bool (n, K): the tiers that ran; ``stopped_at`` int64 (n, K): the count of tokens that a
    tier had written when it was stopped early, 0 where it was not.
    """

    chosen: NDArray[np.int64]
    tried: NDArray[np.bool_]
    stopped_at: NDArray[np.int64]

    def qualities(self, table: Floats) -> Floats:
        """Quality of what was accepted, (n,), from that of all tiers (n, K); 0 where nothing was."""
        picked = table[np.arange(len(self.chosen)), np.maximum(self.chosen, 0)]
        return np.where(self.chosen >= 0, picked, 0.0)

    def costs(self, table: Floats) -> Floats:
        """Cost of all that ran, (n,), from that of all tiers (n, K); as if nothing had been stopped."""
        return np.asarray(np.where(self.tried, table, 0.0).sum(axis=1))


def view_of(learnt: Learnt, record: OutcomeRecord, tiers: Sequence[str]) -> View:
    """Score one record by what was learnt from others; it must have an outcome of every tier."""
    predicted = learnt.qualities(record)
    qualities = {tier: predicted[tier] for tier in tiers}
    texts = {tier: written(record.outcomes[tier]) for tier in tiers}
    return View(
        qualities,
        {tier: _answered(learnt, record, tier, qualities[tier]) for tier in tiers},
        {tier: read(text) for tier, text in texts.items() if text is not None},
        _draw(record),
        {tier: record.outcomes[tier].signals for tier in tiers},
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


@dataclass(frozen=True, slots=True)
class EarlyStops:
    """Answers that are stopped while they are written, as was learnt; ``rates`` give a rest's cost."""

    stopping: Stopping
    rates: Mapping[str, Rates]
    weights: Weights = MONEY_ALONE

    def found(self, policy: Policy, state: State, view: View, tier: str) -> tuple[int, Answered] | None:
        """Where the answer of ``tier`` is stopped, and what is then known of it; None: nowhere.

        ``state`` is that of the request if it were stopped.
        """
        quality = view.qualities[tier]

        def stakes(point: Checkpoint) -> Stakes | None:
            rest = rest_cost(self.rates[tier], self.weights, point.rest_token_count).usd_micros
            return stakes_of(policy, state, tier, quality, rest)

        for point in self.stopping.tiers.get(tier, ()):
            if given_up := hopeless(point, quality, view.signals[tier], stakes):
                return point.token_count, Answered(tier, quality, given_up.expected_confidence)
        return None


_NEVER = EarlyStops(Stopping(), {})


def replay(
    policy: Policy,
    views: Sequence[View],
    costs_usd_micros: Mapping[str, float],
    early: EarlyStops = _NEVER,
) -> Replayed:
    """Let ``policy`` decide every view; the ladder is ``costs_usd_micros``, predicted, cheapest first.

    Arms may be among it; K counts them.
    """
    ladder = tuple(costs_usd_micros)
    chosen = np.full(len(views), -1, dtype=np.int64)
    tried = np.zeros((len(views), len(ladder)), dtype=np.bool_)
    stopped_at = np.zeros((len(views), len(ladder)), dtype=np.int64)
    for row, view in enumerate(views):
        walk = _Walk(policy, view, costs_usd_micros, early)
        accepted = walk.run()
        chosen[row] = -1 if accepted is None else ladder.index(accepted)
        tried[row, [ladder.index(tier) for tier in walk.tried]] = True
        for tier, count in walk.stopped_at.items():
            stopped_at[row, ladder.index(tier)] = count
    return Replayed(chosen, tried, stopped_at)


class _Walk:
    """One record's way up the ladder, and what it left behind."""

    def __init__(self, policy: Policy, view: View, costs: Mapping[str, float], early: EarlyStops) -> None:
        self._policy = policy
        self._view = view
        self._early = early
        self._left = {tier: Candidate(tier, view.qualities[tier], cost) for tier, cost in costs.items()}
        self._ladder = tuple(tier for tier in costs if not is_arm(tier))
        self._answered: list[str] = []
        self._stopped: list[Answered] = []
        self.tried: list[str] = []
        self.stopped_at: dict[str, int] = {}

    def run(self) -> str | None:
        """Return the tier whose answer was accepted; None where the policy gave up."""
        while True:
            match self._policy.decide(self._state()):
                case Try(tier):
                    self._try(tier)
                case Accept(index):
                    return self._answered[index]
                case Stop():
                    return None

    def _try(self, tier: str) -> None:
        del self._left[tier]
        self.tried.append(tier)
        found = self._early.found(self._policy, self._state(), self._view, tier)
        if found is None:
            self._answered.append(tier)
        else:
            self.stopped_at[tier] = found[0]
            self._stopped.append(found[1])

    def _state(self) -> State:
        return State(
            tuple(left for tier, left in self._left.items() if not is_pointless(tier, self.tried)),
            self._view.answered(self._answered),
            draw=self._view.draw,
            ladder=self._ladder,
            stopped=tuple(self._stopped),
        )
