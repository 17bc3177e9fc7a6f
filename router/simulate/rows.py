"""Every logged request as one row of an estimate: what is predicted of it, and what was observed how likely.

Decides when the log shows the outcome that the new policy would have had:

- it ends at the top tier: nothing is lost, by definition;
- it ends at the tier that served: an audit, with its logged propensity, or somebody's score;
- under a random mix, at a tier that might have been drawn;
- otherwise never: what a tier wrote before it was rejected is not kept, and what did not run is not known.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from policies.follow import Known, Path
from policies.guarantee.split import share_of
from policies.joint import Joint
from policies.odds import Floats
from policies.offpolicy import Log
from router.simulate.deck import Deck, World, belief
from router.simulate.logged import Logged, Traffic
from router.simulate.proposal import Proposal
from router.simulate.result import Measure


@dataclass(frozen=True, slots=True)
class Row:
    """One request under one policy; ``propensity`` 0: its outcome could never have been seen, for ``unseen``.

    Costs in millionths of a US dollar. ``answered`` and ``ran`` are probabilities by tier.
    """

    predicted: float
    cost: float
    observed: float = math.nan
    propensity: float = 0.0
    unseen: str | None = None
    answered: Mapping[str, float] = field(default_factory=dict)
    ran: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Lens:
    """How outcomes were observed in this log.

    ``audit_rate``: mean propensity of its audits. ``scored`` by tier: share of its answers that somebody
    scored. ``drawn``: for a random mix, the probability by tier of being drawn; None: the log's policy
    decides by itself.
    """

    measure: Measure
    top_tier: str
    audit_rate: float
    scored: Mapping[str, float]
    drawn: Mapping[str, float] | None = None


def lens_of(
    traffic: Traffic, drawn: Mapping[str, float] | None = None, measure: Measure | None = None
) -> Lens:
    """See how this log observes; ``measure`` None: by audits where it has any, else by scores."""
    audits = [request.audit for request in traffic.requests if request.audit is not None]
    served = Counter(request.served for request in traffic.requests)
    scored = Counter(request.served for request in traffic.requests if request.score is not None)
    rate = sum(audit.propensity for audit in audits) / len(audits) if audits else 0.0
    return Lens(
        measure or (Measure.LOSS if audits or not scored else Measure.QUALITY),
        traffic.tiers[-1],
        rate,
        {tier: scored[tier] / count for tier, count in served.items()},
        drawn,
    )


def rows_of(traffic: Traffic, new: Proposal, lens: Lens) -> list[Row]:
    """Rows of the new policy, in the order of the requests."""
    deck = Deck(traffic.requests)
    return [_row(request, deck, new, lens) for request in traffic.requests]


def served_rows(traffic: Traffic, lens: Lens, joint: Joint) -> list[Row]:
    """Rows of the policy that was there: its ways are those that were taken."""
    rows = []
    lens = replace(lens, drawn=None)  # what the mix drew is what it is judged by
    for request in traffic.requests:
        path = Path(tuple(request.known.answers), request.served)
        world = World(path, request.known, 1.0)
        row = _seen(request, path, lens, _predicted([world], lens, joint), request.cost)
        rows.append(_with_shares(row, [world]))
    return rows


def log_of(rows: Sequence[Row]) -> Log:
    """The rows as an estimate takes them; what can never be seen is left to the model, as if it were seen."""

    def column(of: Callable[[Row], float]) -> Floats:
        return np.array([of(row) for row in rows], dtype=np.float64)

    return Log(
        column(lambda row: row.predicted),
        column(lambda row: row.observed if row.propensity else row.predicted),
        column(lambda row: row.propensity or 1.0),
    )


def top_costs(traffic: Traffic, lens: Lens) -> Floats:
    """What always asking the top tier would have cost, (n,), in millionths of a US dollar."""
    deck = Deck(traffic.requests)
    return np.array([deck.cost_usd_micros(request, lens.top_tier) for request in traffic.requests])


def _row(request: Logged, deck: Deck, new: Proposal, lens: Lens) -> Row:
    worlds = [
        # Beliefs are about all tiers, also where the new policy has the choice of fewer.
        replace(world, known=replace(world.known, candidates=request.known.candidates))
        for world in deck.worlds(new.policy, _offered(request, new))
    ]
    cost = sum(
        world.share * deck.cost_usd_micros(request, tier) for world in worlds for tier in world.path.tried
    )
    predicted = _predicted(worlds, lens, new.joint)
    first = worlds[0].path
    if len(worlds) > 1 or first.lost_at is not None:
        # Which tier would have answered depends on an answer that the log does not have.
        lost = next(tier for tier in first.tried if tier not in request.known.answers)
        row = Row(predicted, cost, unseen=lost)
    else:
        row = _seen(request, first, lens, predicted, cost)
    return _with_shares(row, worlds)


def _offered(request: Logged, new: Proposal) -> Known:
    """The request as the new policy meets it: on its own ladder, with its own floor."""
    ladder = new.described.ladder
    return replace(
        request.known,
        candidates=tuple(one for one in request.known.candidates if one.tier in ladder),
        # A draw of its own: under a random mix, the log's would choose the same tier again.
        draw=share_of(request.id, "upshift.simulate"),
        min_confidence=new.described.constraints.min_confidence,
        ladder=ladder,
    )


def _seen(request: Logged, path: Path, lens: Lens, predicted: float, cost: float) -> Row:
    """What the log shows of a request that ends where ``path`` does."""
    if path.chosen is None:  # no answer: nothing that anybody could judge
        return Row(predicted, cost, predicted, 1.0)
    if lens.measure is Measure.QUALITY:
        return _scored(request, path.chosen, lens, Row(predicted, cost))
    if path.chosen == lens.top_tier:
        return Row(0.0, cost, 0.0, 1.0)
    return _audited(request, path.chosen, lens, Row(predicted, cost))


def _audited(request: Logged, chosen: str, lens: Lens, row: Row) -> Row:
    """Audits tell of the answer that was kept, with the propensity that they were made with."""
    if chosen != request.served or not request.could_be_audited or lens.audit_rate == 0.0:
        return replace(row, unseen=chosen)
    audit = request.audit
    if audit is None:
        return replace(row, propensity=lens.audit_rate)
    return replace(row, observed=audit.loss, propensity=audit.propensity)


def _scored(request: Logged, chosen: str, lens: Lens, row: Row) -> Row:
    """Scores tell of the answer that was given, which a random mix might have made any of its tiers'."""
    is_served = chosen == request.served
    drawn = lens.drawn.get(chosen, 0.0) if lens.drawn is not None else float(is_served)
    chance = drawn * lens.scored.get(chosen, 0.0)
    if chance == 0.0:
        return replace(row, unseen=chosen)
    score = request.score if is_served else None
    return replace(row, observed=math.nan if score is None else score, propensity=chance)


def _predicted(worlds: Sequence[World], lens: Lens, joint: Joint) -> float:
    return sum(world.share * _outcome(world, lens, joint) for world in worlds)


def _outcome(world: World, lens: Lens, joint: Joint) -> float:
    """What the model expects of one way."""
    known, chosen = world.known, world.path.chosen or world.path.lost_at
    if chosen is None:
        return 0.0 if lens.measure is Measure.QUALITY else belief(known, lens.top_tier, joint)
    earlier = [tier for tier in world.path.tried if tier != chosen and tier in known.answers]
    right = belief(known, chosen, joint, earlier[-1] if earlier else None)
    if lens.measure is Measure.QUALITY:
        return right
    return 0.0 if chosen == lens.top_tier else belief(known, lens.top_tier, joint, chosen) - right


def _with_shares(row: Row, worlds: Sequence[World]) -> Row:
    answered: Counter[str] = Counter()
    ran: Counter[str] = Counter()
    for world in worlds:
        end = world.path.chosen or world.path.lost_at
        for tier in () if end is None else (end,):
            answered[tier] += world.share  # type: ignore[assignment]
        for tier in world.path.tried:
            ran[tier] += world.share  # type: ignore[assignment]
    return replace(row, answered=answered, ran=ran)
