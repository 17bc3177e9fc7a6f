"""The question put: which records, which ladder, and what each answer was worth and cost.

Decides which records can be used. Refuses to know how policies are fitted or judged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from policies.costs import MONEY_ALONE, Rates, Weights
from policies.folds import Fold
from policies.odds import Floats
from policies.outcomes import OutcomeRecord, groups_of, record_id
from policies.recorded_costs import recorded_cost


class EvaluationError(Exception):
    """The records cannot answer the question; says what is missing."""


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """Records that have an outcome of every tier of the ladder.

    ``tiers`` cheapest first; ``qualities`` and ``costs`` float64 (n, tiers), costs in US dollars or
    any unit that is the same for all; ``groups`` (n,) name the records' kin. ``dropped_count``
    records lacked a tier.
    """

    records: tuple[OutcomeRecord, ...]
    tiers: tuple[str, ...]
    qualities: Floats
    costs: Floats
    groups: tuple[str, ...]
    dropped_count: int = 0

    def expected_costs(self, rows: Fold) -> Floats:
        """Mean cost of a call by tier, (tiers,), over ``rows``: what a policy may count on."""
        return np.asarray(self.costs[rows].mean(axis=0))


def pose(
    records: Sequence[OutcomeRecord],
    tiers: Sequence[str],
    relative_costs: Sequence[float] | None,
    weights: Weights = MONEY_ALONE,
) -> Problem:
    """Put the question for a ladder of ``tiers``.

    ``relative_costs`` of a call, by tier; None: the ``cost_usd`` that was recorded, and with
    ``weights`` the recorded time too. Tiers are brought into the order of their mean cost. Raises
    EvaluationError for a tier that no record has, costs that are neither given nor recorded, or
    fewer than two tiers.
    """
    _check_tiers(records, tiers, relative_costs)
    complete = tuple(record for record in records if all(tier in record.outcomes for tier in tiers))
    if not complete:
        raise EvaluationError(f"no record has an outcome of all of {', '.join(tiers)}; name fewer tiers")
    qualities = np.array([[record.outcomes[tier].quality for tier in tiers] for record in complete])
    costs = _costs(complete, tiers, relative_costs, weights)
    order = np.argsort(costs.mean(axis=0), kind="stable")
    return Problem(
        complete,
        tuple(tiers[place] for place in order),
        qualities[:, order],
        costs[:, order],
        tuple(groups_of(complete)),
        len(records) - len(complete),
    )


def _check_tiers(
    records: Sequence[OutcomeRecord], tiers: Sequence[str], relative_costs: Sequence[float] | None
) -> None:
    if len(tiers) < 2 or len(set(tiers)) < len(tiers):
        raise EvaluationError(f"a ladder has at least two tiers and none twice, not {', '.join(tiers)!r}")
    known = {tier for record in records for tier in record.outcomes}
    for tier in tiers:
        if tier not in known:
            raise EvaluationError(f"no record has an outcome of {tier!r}; known: {', '.join(sorted(known))}")
    if relative_costs is not None and len(relative_costs) != len(tiers):
        raise EvaluationError(f"{len(tiers)} tiers need as many costs, not {len(relative_costs)}")


def _costs(
    records: Sequence[OutcomeRecord],
    tiers: Sequence[str],
    relative_costs: Sequence[float] | None,
    weights: Weights,
) -> Floats:
    if relative_costs is not None:
        return np.tile(np.array(relative_costs, dtype=np.float64), (len(records), 1))
    costs = [[_recorded_usd(record, tier, weights) for tier in tiers] for record in records]
    return np.array(costs, dtype=np.float64)


def _recorded_usd(record: OutcomeRecord, tier: str, weights: Weights) -> float:
    outcome = record.outcomes[tier]
    if outcome.cost_usd is None:
        raise EvaluationError(
            f"record {record_id(record)} has no cost_usd for {tier!r}; give --cost, one a tier"
        )
    if weights.latency_usd_per_s and outcome.latency_s is None:
        raise EvaluationError(
            f"record {record_id(record)} has no latency_s for {tier!r}; leave --latency-usd-per-s out"
        )
    return recorded_cost(record, tier, Rates(), weights).usd_micros / 1e6
