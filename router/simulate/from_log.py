"""Simulation from a journal: what the log shows of another policy, by which estimate, or what it lacks.

Decides when a log is too thin to speak. The model alone is always reported as what it is; it never
stands in for a refusal.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from policies.bootstrap import Figure
from policies.odds import Floats
from policies.offpolicy import (
    Estimate,
    corrected,
    direct,
    doubly_robust,
    effective_sample_size,
    inverse_propensity,
    labels_needed,
    mean_of,
    self_normalised,
)
from router.simulate.errors import SimulationError
from router.simulate.logged import Traffic
from router.simulate.proposal import Proposal
from router.simulate.result import Measure, Side, Simulation, Support
from router.simulate.rows import Lens, Row, lens_of, log_of, rows_of, served_rows, top_costs

MAX_UNSEEN_SHARE = 0.05
"""Where more of the traffic than this could never have been seen, nothing is said of it; below, the
interval is widened by the share, which is the most that can hide there."""
MIN_LABEL_COUNT = 50
_HALF_WIDTH = 0.01


def simulate_journal(
    traffic: Traffic,
    new: Proposal,
    drawn: Mapping[str, float] | None = None,
    measure: Measure | None = None,
) -> Simulation:
    """Hold the policy ``new`` against the one that served ``traffic``.

    ``drawn``: where that one was a random mix, the probability of each tier. ``measure`` None: loss,
    where anything was audited, else quality by scores. Raises SimulationError where the new policy uses
    a tier of which the log has no predictions.
    """
    ladder = new.described.ladder
    if missing := sorted({*ladder} - {*traffic.tiers}):
        raise SimulationError(
            f"tier {missing[0]!r} was not on the ladder that served ({', '.join(traffic.tiers)}): the log "
            "knows nothing of it; collect its answers and simulate on --outcomes"
        )
    lens = lens_of(traffic, drawn, measure)
    after = rows_of(traffic, new, lens)
    before = served_rows(traffic, lens, new.joint)
    support = _support(after)
    refusals = tuple(_refusals(lens, support, traffic, after))
    return _simulation(traffic, lens, (before, after), new.name, support, refusals)


def _support(rows: Sequence[Row]) -> Support:
    unseen = Counter(row.unseen for row in rows if row.unseen is not None)
    log = log_of(rows)
    uncertain = [row for row in rows if 0.0 < row.propensity < 1.0]
    return Support(
        label_count=sum(not math.isnan(row.observed) for row in uncertain),
        effective_sample_size=effective_sample_size(log_of(uncertain)) if uncertain else 0.0,
        unseen={tier: count / len(rows) for tier, count in sorted(unseen.items())},
        labels_needed=labels_needed(log, _HALF_WIDTH),
    )


def _refusals(lens: Lens, support: Support, traffic: Traffic, rows: Sequence[Row]) -> list[str]:
    if support.unseen_share > MAX_UNSEEN_SHARE:
        shares = ", ".join(f"{tier} on {100 * share:.1f} %" for tier, share in support.unseen.items())
        return [
            f"on {100 * support.unseen_share:.1f} % of the traffic the log cannot show what the policy "
            f"would have come to ({shares}), and {100 * MAX_UNSEEN_SHARE:g} % is the most that is let pass; "
            f"{_remedy(lens, traffic)}"
        ]
    is_uncertain = any(0.0 < row.propensity < 1.0 for row in rows)
    if is_uncertain and support.label_count < MIN_LABEL_COUNT:
        kind = "audits" if lens.measure is Measure.LOSS else "scored answers"
        return [
            f"{support.label_count} {kind} tell of it, {MIN_LABEL_COUNT - support.label_count} more are "
            f"needed at least, and about {support.labels_needed:,} more for a point to either side"
        ]
    return []


def _remedy(lens: Lens, traffic: Traffic) -> str:
    if lens.measure is Measure.QUALITY:
        return "`upshift collect` runs every tier on a sample, and --outcomes simulates on it"
    if not any(request.could_be_audited for request in traffic.requests):
        return (
            "nothing was audited and nothing was scored: serve under a certificate with an audit_rate, send "
            "feedback, or `upshift collect` a sample and simulate on --outcomes"
        )
    return "audits tell of kept answers only; `upshift collect` a sample and simulate on --outcomes"


def _simulation(
    traffic: Traffic,
    lens: Lens,
    sides: tuple[list[Row], list[Row]],
    name: str,
    support: Support,
    refusals: tuple[str, ...],
) -> Simulation:
    before, after = sides
    tops = top_costs(traffic, lens)
    unknown = _refusals(lens, _support(before), traffic, before)
    old_log, new_log = log_of(before), log_of(after)
    slack = support.unseen_share + _support(before).unseen_share
    change = mean_of(corrected(new_log) - corrected(old_log)).figure(slack)
    return Simulation(
        source="journal",
        measure=lens.measure,
        request_count=len(after),
        top_tier=lens.top_tier,
        old=_side(traffic.policy, before, tops, is_refused=bool(unknown)),
        new=_side(name, after, tops, is_refused=bool(refusals)),
        cost_change=_ratio_less_one(_costs(after), _costs(before)),
        outcome_change=Figure(None) if refusals or unknown else change,
        support=support,
        refusals=refusals,
        notes=(*(f"of {traffic.policy}: {said}" for said in unknown), *_notes(traffic, lens)),
    )


def _side(name: str, rows: Sequence[Row], tops: Floats, *, is_refused: bool) -> Side:
    log, slack = log_of(rows), _support(rows).unseen_share
    found: dict[str, Estimate] = {"direct": direct(log)}
    if not is_refused:
        found |= {
            "inverse_propensity": inverse_propensity(log),
            "self_normalised": self_normalised(log),
            "doubly_robust": doubly_robust(log),
        }
    estimates = {
        method: estimate.figure(0.0 if method == "direct" else slack) for method, estimate in found.items()
    }
    costs = _costs(rows)
    cost = mean_of(costs / 1e6).figure()
    return Side(
        name,
        cost,
        _ratio(costs, tops),
        estimates.get("doubly_robust", Figure(None)),
        _shares([row.answered for row in rows]),
        _shares([row.ran for row in rows]),
        estimates,
    )


def _costs(rows: Sequence[Row]) -> Floats:
    return np.array([row.cost for row in rows], dtype=np.float64)


def _shares(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    total: Counter[str] = Counter()
    for shares in rows:
        total.update(shares)
    return {tier: total[tier] / len(rows) for tier in sorted(total)}


def _ratio(above: Floats, below: Floats) -> Figure:
    """Ratio of two means, with the error of its linearisation."""
    mean = float(below.mean())
    if mean == 0.0:
        return Figure(None)
    ratio = float(above.mean()) / mean
    return Estimate(ratio, mean_of((above - ratio * below) / mean).standard_error).figure()


def _ratio_less_one(above: Floats, below: Floats) -> Figure:
    found = _ratio(above, below)
    if found.value is None or found.low is None or found.high is None:
        return Figure(None)
    return Figure(found.value - 1.0, found.low - 1.0, found.high - 1.0)


def _notes(traffic: Traffic, lens: Lens) -> tuple[str, ...]:
    notes = []
    if traffic.failed_count:
        notes.append(f"{traffic.failed_count:,} requests had no answer and were left out")
    if traffic.other_count:
        notes.append(f"{traffic.other_count:,} requests of other policies were left out")
    audits = [request.audit for request in traffic.requests if request.audit is not None]
    expected = sum(audit.grounds == "expected" for audit in audits)
    if expected:
        notes.append(
            f"{expected:,} of {len(audits):,} audits were never graded; they count as such differences did "
            "in calibration"
        )
    if lens.measure is Measure.QUALITY:
        notes.append("who scores an answer is taken to be chance within a tier; nobody can check that")
    return tuple(notes)
