"""Certification on real outcomes: some records teach, and the others are all the traffic there is.

What is learnt, and the path, come from the former; samples are drawn from the latter, whose true
losses are known to the last record. So a certificate can be held to its word.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from policies.certifying import Ladder, chosen_path, label, run_setting, suited_test
from policies.derive import with_text_signals
from policies.guarantee.certify import Certified, Evidence, certify
from policies.guarantee.split import share_of
from policies.guarantee.terms import Terms
from policies.odds import Floats
from policies.outcomes import OutcomeRecord, groups_of
from policies.training import fit_learnt
from router.outcomes import read_outcomes

_TEACHING_SHARE = 0.4


@dataclass(frozen=True, slots=True)
class Kept:
    """How certificates at one bound did on one ladder; savings are shares of the top tier's cost."""

    ladder: str
    max_loss: float
    label_count: int
    certified_saving: float
    violation_rate: float
    plug_in_saving: float
    plug_in_violation_rate: float
    oracle_saving: float


@dataclass(frozen=True, slots=True, eq=False)
class Population:
    """All the traffic of one ladder: losses (N, settings) of the path, and mean costs (settings,)."""

    name: str
    losses: Floats
    costs: Floats
    design_losses: Floats
    top_cost: float
    qualities: Floats


def population(folder: Path, name: str, max_loss: float) -> Population:
    """Learn from some records of a ladder, and replay the path on the others."""
    ladders = json.loads((folder / "ladders.json").read_text())
    entry = next(ladder for ladder in ladders if ladder["name"] == name)
    tiers = tuple(entry["tiers"])
    records = [r for r in read_outcomes(folder / entry["file"]) if all(tier in r.outcomes for tier in tiers)]
    teaching, traffic = _split([_measured(record) for record in with_text_signals(records)])
    learnt = fit_learnt(teaching, tiers=tiers)
    costs = dict(zip(tiers, (1000.0 * cost for cost in entry["relative_cost"]), strict=True))
    ladder = Ladder(costs, learnt.joint)
    design, everyone = label(learnt, teaching, tiers), label(learnt, traffic, tiers)
    path = chosen_path(design, ladder, max_loss)
    runs = [run_setting(run.setting, everyone, ladder) for run in path]
    return Population(
        name,
        np.column_stack([run.losses for run in runs]) if runs else np.zeros((len(traffic), 0)),
        np.array([run.cost for run in runs]),
        np.column_stack([run.losses for run in path]) if runs else np.zeros((len(teaching), 0)),
        ladder.top_cost,
        everyone.qualities,
    )


def _measured(record: OutcomeRecord) -> OutcomeRecord:
    """The record with a length for every answer; costs are a call's here, so any length will do."""
    lengths = {tier: outcome.output_token_count or 1 for tier, outcome in record.outcomes.items()}
    outcomes = {
        tier: replace(outcome, output_token_count=lengths[tier]) for tier, outcome in record.outcomes.items()
    }
    return replace(record, outcomes=outcomes)


def measure(seen: Population, max_loss: float, label_count: int, sample_count: int, seed: int) -> Kept:
    """Certify ``sample_count`` samples of ``label_count`` records drawn with replacement."""
    rng = np.random.default_rng(seed)
    terms = Terms(max_loss, test=suited_test(seen.qualities))
    truth = seen.losses.mean(axis=0)
    savings = 1.0 - seen.costs / seen.top_cost
    certified, plugged = [], []
    for _ in range(sample_count):
        drawn = seen.losses[rng.integers(0, len(seen.losses), label_count)]
        verdict = certify(Evidence(drawn, seen.design_losses), terms)
        certified.append(verdict.index if isinstance(verdict, Certified) else None)
        good = np.flatnonzero(drawn.mean(axis=0) <= max_loss)
        plugged.append(int(good[savings[good].argmax()]) if len(good) else None)
    allowed = savings[truth <= max_loss]
    return Kept(
        seen.name,
        max_loss,
        label_count,
        *_rates(certified, savings, truth > max_loss),
        *_rates(plugged, savings, truth > max_loss),
        float(allowed.max()) if len(allowed) else 0.0,
    )


def _rates(chosen: list[int | None], savings: Floats, is_over: NDArray[np.bool_]) -> tuple[float, float]:
    count = len(chosen)
    picked = [index for index in chosen if index is not None]
    return float(savings[picked].sum()) / count, float(is_over[picked].sum()) / count


def _split(records: list[OutcomeRecord]) -> tuple[list[OutcomeRecord], list[OutcomeRecord]]:
    sides: tuple[list[OutcomeRecord], list[OutcomeRecord]] = ([], [])
    for record, group in zip(records, groups_of(records), strict=True):
        sides[share_of(group, "bench.certify") >= _TEACHING_SHARE].append(record)
    return sides
