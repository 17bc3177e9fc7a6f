"""From graded answers to a verdict on cascade routing: replay, choose a path, certify, say what it saves.

The seam between what is learnt and :mod:`policies.guarantee`, which knows losses alone. Records that
certify must not have been seen by ``learnt``; nothing here can check that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from policies.certified import CertifiedRouting
from policies.fit_agreement import fit_agreement
from policies.guarantee.certificate import Agreement, Proof, Setting
from policies.guarantee.certify import Certified, Evidence, NotCertified, certify_strata, p_value
from policies.guarantee.path import MAX_STEPS, choose_path, is_hopeless
from policies.guarantee.terms import Terms, Test
from policies.joint import Joint
from policies.learnt import Learnt
from policies.odds import Floats
from policies.outcomes import OutcomeRecord
from policies.replay import View, replay, view_of

_COARSE_COUNT = 16
_STAKES = (0.002, 2.0)
"""Cost of the top tier as a share of what a right answer is worth: the safest and the cheapest setting."""


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """Records as policies see them, with the grades of all tiers, (n, K), cheapest tier first.

    ``costs`` (n, K), in millionths of a US dollar, are those of each record; None: as the ladder has them.
    """

    views: Sequence[View]
    qualities: Floats
    costs: Floats | None = None

    def rows(self, places: Sequence[int]) -> Labelled:
        """Return some of the records."""
        kept = list(places)
        costs = None if self.costs is None else self.costs[kept]
        return Labelled([self.views[place] for place in kept], self.qualities[kept], costs)

    def costs_on(self, ladder: Ladder) -> Floats:
        """What every answer cost, (n, K)."""
        if self.costs is not None:
            return self.costs
        return np.tile(list(ladder.costs_usd_micros.values()), (len(self.views), 1))


@dataclass(frozen=True, slots=True, eq=False)
class Ladder:
    """What all settings share: tiers with their costs, cheapest first, and how the tiers hang together."""

    costs_usd_micros: Mapping[str, float]
    joint: Joint
    min_confidence: float | None = None

    @property
    def tiers(self) -> tuple[str, ...]:
        """Names of the tiers, cheapest first."""
        return tuple(self.costs_usd_micros)

    @property
    def top_cost(self) -> float:
        """Cost of one answer of the top tier, in millionths of a US dollar."""
        return self.costs_usd_micros[self.tiers[-1]]

    def setting(self, stake: float) -> Setting:
        """Return the setting where the top tier costs ``stake`` of what a right answer is worth."""
        costs = tuple(self.costs_usd_micros.values())
        return Setting(self.tiers, costs, self.top_cost / stake / 1e6, self.min_confidence)

    def stake(self, setting: Setting) -> float:
        """Return what :meth:`setting` was asked for."""
        return self.top_cost / setting.value_of_correct_usd / 1e6


@dataclass(frozen=True, slots=True)
class Finding:
    """What one stratum's labels say; all but the verdict are None where nothing was certified."""

    verdict: Certified | NotCertified
    setting: Setting | None
    proof: Proof | None
    agreement: Agreement | None


def label(
    learnt: Learnt,
    records: Sequence[OutcomeRecord],
    tiers: Sequence[str],
    cost_of: Callable[[OutcomeRecord, str], float] | None = None,
) -> Labelled:
    """Show ``records``, each with an outcome of every tier, to what was learnt from others.

    ``cost_of`` gives the cost of a tier's answer in millionths of a US dollar. Answers that are sent up
    tend to be long ones, so without it what is saved looks better than it is.
    """
    shape = len(records), len(tiers)
    qualities = np.array([[record.outcomes[tier].quality for tier in tiers] for record in records])
    # Under a certificate no encoder reads: whether it is in time depends on the load, which is not tested.
    by_words = replace(learnt, embedded=None)
    views = [view_of(by_words, record, tiers) for record in records]
    if cost_of is None:
        return Labelled(views, qualities.reshape(shape))
    costs = np.array([[cost_of(record, tier) for tier in tiers] for record in records], dtype=np.float64)
    return Labelled(views, qualities.reshape(shape), costs.reshape(shape))


def find(
    design: Labelled, strata: Mapping[str, Labelled], ladder: Ladder, terms: Terms
) -> dict[str, Finding]:
    """Certify every stratum of ``strata`` along a path that ``design`` chose for all of them.

    All verdicts hold together with the terms' confidence. Replays every setting of the path until the
    first that fails: about 0.2 ms a record and setting.
    """
    with threadpool_limits(limits=1):
        path = chosen_path(design, ladder, terms.max_loss)
        tested = {name: _tested(labelled, path, ladder, terms) for name, labelled in strata.items()}
        evidence = {
            name: Evidence(_columns(runs, len(strata[name].views)), _columns(path, len(design.views)))
            for name, runs in tested.items()
        }
        verdicts = certify_strata(evidence, terms)
        return {name: _finding(verdicts[name], tested[name], strata[name]) for name in strata}


def suited_test(qualities: Floats) -> Test:
    """Return the net test for grades of right and wrong, else the graded one."""
    return Test.NET if np.isin(qualities, (0.0, 1.0)).all() else Test.GRADED


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """One setting on some records: losses (n,) against the top tier, and tiers kept (n,).

    ``cost`` is the mean of all that ran, ``top_cost`` that of always asking the top tier.
    """

    setting: Setting
    losses: Floats
    chosen: NDArray[np.int64]
    cost: float
    top_cost: float


def run_setting(setting: Setting, labelled: Labelled, ladder: Ladder) -> Run:
    """Replay one setting; the labels need not be those that chose it."""
    policy = CertifiedRouting(setting, ladder.joint)
    replayed = replay(policy, labelled.views, ladder.costs_usd_micros)
    costs = labelled.costs_on(ladder)
    losses = labelled.qualities[:, -1] - replayed.qualities(labelled.qualities)
    means = float(replayed.costs(costs).mean()), float(costs[:, -1].mean())
    return Run(setting, losses, replayed.chosen, *means)


def chosen_path(design: Labelled, ladder: Ladder, max_loss: float) -> list[Run]:
    """Settings worth a test, safest first, as they did on ``design``: a coarse look, then a fine one."""
    coarse = np.geomspace(*_STAKES, _COARSE_COUNT)
    kept = _chosen(coarse, design, ladder, max_loss)
    if not kept:
        return []
    places = [int(np.abs(coarse - ladder.stake(run.setting)).argmin()) for run in kept]
    low, high = coarse[max(0, places[0] - 1)], coarse[min(_COARSE_COUNT - 1, places[-1] + 1)]
    return _chosen(np.geomspace(low, high, MAX_STEPS), design, ladder, max_loss)


def _chosen(stakes: Floats, design: Labelled, ladder: Ladder, max_loss: float) -> list[Run]:
    runs: list[Run] = []
    for stake in stakes:
        runs.append(run_setting(ladder.setting(float(stake)), design, ladder))
        if is_hopeless(runs[-1].losses, max_loss):
            break
    costs = np.array([run.cost for run in runs])
    chosen = choose_path(_columns(runs, len(design.views)), costs, runs[0].top_cost, max_loss)
    return [runs[place] for place in chosen]


def _tested(labelled: Labelled, path: Sequence[Run], ladder: Ladder, terms: Terms) -> list[Run]:
    """Run the path as far as it can be certified: what follows a failure at the full rate is not asked."""
    runs: list[Run] = []
    for step in path:
        runs.append(run_setting(step.setting, labelled, ladder))
        if p_value(runs[-1].losses, terms, step.losses) > terms.error_rate:
            break
    return runs


def _columns(runs: Sequence[Run], count: int) -> Floats:
    return np.column_stack([run.losses for run in runs]) if runs else np.zeros((count, 0))


def _finding(verdict: Certified | NotCertified, runs: Sequence[Run], labelled: Labelled) -> Finding:
    if isinstance(verdict, NotCertified):
        return Finding(verdict, None, None, None)
    step, run = verdict.step, runs[verdict.index]
    proof = Proof(
        label_count=verdict.label_count,
        harm_count=step.harm_count,
        gain_count=step.gain_count,
        loss=step.loss,
        p_value=step.p_value,
        level=step.level,
        saving=1.0 - run.cost / run.top_cost,
    )
    agreement = fit_agreement(labelled.views, labelled.qualities, run.chosen)
    return Finding(verdict, run.setting, proof, agreement)
