"""Simulation on recorded outcomes: every tier answered every prompt, so both policies are replayed exactly.

Costs are those recorded; decisions see what they would have seen: predictions, and confidence in the
answers so far. Intervals are a bootstrap over groups.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from backends.types import Prompt
from policies.bootstrap import Figure, figure, resample_weights
from policies.follow import Path, follow
from policies.odds import Floats
from policies.outcomes import Outcome, OutcomeRecord, groups_of
from policies.resampled import mean_of, ratio_of
from router.config import TierConfig
from router.config.order import by_price
from router.simulate.errors import SimulationError
from router.simulate.proposal import Proposal
from router.simulate.result import Measure, Side, Simulation
from router.simulate.seen import CHARACTERS_PER_TOKEN, seen_by

_RESAMPLE_COUNT = 2000


@dataclass(frozen=True, slots=True, eq=False)
class _Table:
    """Qualities and costs (n, tiers) in US dollars, and the tiers' names, cheapest first."""

    tiers: tuple[str, ...]
    qualities: Floats
    costs: Floats


@dataclass(frozen=True, slots=True, eq=False)
class _Replayed:
    """What became of every request: its loss and cost (n,), and its way."""

    name: str
    losses: Floats
    costs: Floats
    paths: Sequence[Path]


def simulate_outcomes(
    records: Sequence[OutcomeRecord], old: Proposal, new: Proposal, seed: int = 0
) -> Simulation:
    """Replay both policies on ``records`` that have an outcome of every tier of either ladder.

    Both are held against the dearest tier of both ladders. Raises SimulationError where no record has
    all that is needed.
    """
    tiers = _tiers(old, new)
    complete = [record for record in records if all(tier in record.outcomes for tier in tiers)]
    if not complete:
        known = sorted({tier for record in records for tier in record.outcomes})
        raise SimulationError(
            f"none of {len(records)} records has an outcome of each of {', '.join(tiers)}; they have "
            f"{', '.join(known)}: collect the others, or leave them off the ladder"
        )
    table = _table(complete, tiers, new)
    before, after = (_replay(side, complete, table) for side in (old, new))
    weights = resample_weights(groups_of(complete), count=_RESAMPLE_COUNT, seed=seed)
    top = table.costs[:, -1]
    ratio = figure(ratio_of(after.costs, before.costs), weights) if before.costs.any() else Figure(None)
    return Simulation(
        source="outcomes",
        measure=Measure.LOSS,
        request_count=len(complete),
        top_tier=tiers[-1],
        old=_side(before, top, weights, tiers),
        new=_side(after, top, weights, tiers),
        cost_change=_less_one(ratio),
        outcome_change=figure(mean_of(after.losses - before.losses), weights),
        tiers=_alone(table),
        notes=_notes(len(records) - len(complete), old, new),
    )


def _tiers(old: Proposal, new: Proposal) -> tuple[str, ...]:
    wanted = {*old.described.ladder, *new.described.ladder}
    return tuple(name for name in by_price(new.config) if name in wanted)


def _table(records: Sequence[OutcomeRecord], tiers: Sequence[str], new: Proposal) -> _Table:
    prices = {tier.name: tier for tier in new.config.tiers}
    if missing := sorted({*tiers} - prices.keys()):
        raise SimulationError(f"tier {missing[0]!r} is on one policy's ladder and not in the configuration")
    rows = [[record.outcomes[tier] for tier in tiers] for record in records]
    costs = [
        [_cost(outcome, record.prompt, prices[tier]) for tier, outcome in zip(tiers, row, strict=True)]
        for record, row in zip(records, rows, strict=True)
    ]
    qualities = [[outcome.quality for outcome in row] for row in rows]
    return _Table(tuple(tiers), np.array(qualities, np.float64), np.array(costs, np.float64))


def _cost(outcome: Outcome, prompt: Prompt, tier: TierConfig) -> float:
    """Cost of a call in US dollars: as recorded, else by length and price."""
    if outcome.cost_usd is not None:
        return outcome.cost_usd
    read = len(prompt.text) / CHARACTERS_PER_TOKEN
    written = outcome.output_token_count
    if written is None:
        written = len(outcome.text or outcome.answer or "") // CHARACTERS_PER_TOKEN
    price = tier.price
    return (read * price.input_usd_per_million_tokens + written * price.output_usd_per_million_tokens) / 1e6


def _replay(side: Proposal, records: Sequence[OutcomeRecord], table: _Table) -> _Replayed:
    paths = [follow(side.policy, known) for known in seen_by(side, records)]
    places = {tier: place for place, tier in enumerate(table.tiers)}
    qualities = np.array(
        [
            0.0 if path.chosen is None else table.qualities[row, places[path.chosen]]
            for row, path in enumerate(paths)
        ]
    )
    costs = np.array(
        [sum(table.costs[row, places[tier]] for tier in path.tried) for row, path in enumerate(paths)]
    )
    return _Replayed(side.name, table.qualities[:, -1] - qualities, costs, paths)


def _side(replayed: _Replayed, top: Floats, weights: Floats, tiers: Sequence[str]) -> Side:
    count = len(replayed.paths)
    loss = figure(mean_of(replayed.losses), weights)
    return Side(
        replayed.name,
        figure(mean_of(replayed.costs), weights),
        figure(ratio_of(replayed.costs, top), weights) if top.any() else Figure(None),
        loss,
        {tier: sum(path.chosen == tier for path in replayed.paths) / count for tier in tiers},
        {tier: sum(tier in path.tried for path in replayed.paths) / count for tier in tiers},
        {"replay": loss},
    )


def _alone(table: _Table) -> dict[str, tuple[float, float]]:
    losses = table.qualities[:, -1:] - table.qualities
    means = zip(table.costs.mean(axis=0), losses.mean(axis=0), strict=True)
    return {tier: (float(cost), float(loss)) for tier, (cost, loss) in zip(table.tiers, means, strict=True)}


def _less_one(ratio: Figure) -> Figure:
    def less(value: float | None) -> float | None:
        return None if value is None else value - 1.0

    return Figure(less(ratio.value), less(ratio.low), less(ratio.high))


def _notes(dropped_count: int, old: Proposal, new: Proposal) -> tuple[str, ...]:
    notes = []
    if dropped_count:
        notes.append(f"{dropped_count:,} records lack a tier and were left out")
    if any(side.learnt is not None for side in (old, new)):
        notes.append(
            "confidence is what `learnt:` says; simulate on records that it was not fitted on, or it flatters"
        )
    return tuple(notes)
