"""Models fitted on some records, and what they show of others; each set is fitted once.

This is the only place where evaluation touches what is learnt.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from policies.difficulty.embedded import EncoderIdentity
from policies.folds import Fold
from policies.learnt import Learnt
from policies.odds import Floats
from policies.replay import View, view_of
from policies.training import fit_learnt
from router.evaluate.problem import EvaluationError, Problem
from router.evaluate.splits import Part

MAX_RUNG_COUNT = 4
"""More make cascade routing, which weighs every subset, slow and hardly better."""


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """What policies may see of ``rows``: ``views`` by models fitted on ``fit_rows`` alone."""

    problem: Problem
    learnt: Learnt
    fit_rows: Fold
    rows: Fold
    views: tuple[View, ...]

    @property
    def predicted(self) -> Floats:
        """Qualities predicted from the prompt, (rows, tiers)."""
        return np.array([[view.qualities[tier] for tier in self.problem.tiers] for view in self.views])

    @property
    def expected_costs(self) -> Floats:
        """Mean cost of a call by tier, (tiers,), as the fitted rows tell it."""
        return self.problem.expected_costs(self.fit_rows)

    @property
    def rungs(self) -> tuple[int, ...]:
        """Places of the tiers that cascades climb: each better than all cheaper ones, and the top.

        As the fitted rows tell it. A tier that is dearer and no better is a rung nobody would build;
        of more than MAX_RUNG_COUNT those stay that gain most.
        """
        means = self.problem.qualities[self.fit_rows].mean(axis=0)
        top = len(means) - 1
        best = np.maximum.accumulate(np.concatenate(([-np.inf], means[:-1])))
        gains = {
            place: float(means[place] - best[place]) for place in range(top) if means[place] > best[place]
        }
        kept = sorted(gains, key=lambda place: -gains[place])[: MAX_RUNG_COUNT - 1]
        return (*sorted(kept), top)

    @property
    def expected_usd_micros(self) -> dict[str, float]:
        """Expected cost of the rungs by name, for policies; one unit of cost counts as one dollar."""
        costs = self.expected_costs
        return {self.problem.tiers[place]: 1e6 * float(costs[place]) for place in self.rungs}

    def table(self) -> tuple[Floats, Floats]:
        """Costs and qualities of the rungs, both (rows, rungs)."""
        cells = np.ix_(self.rows, np.array(self.rungs))
        return self.problem.costs[cells], self.problem.qualities[cells]


@dataclass(slots=True)
class Fitter:
    """Fits and scores; parts that fit on the same rows share their models."""

    problem: Problem
    seed: int
    encoder: EncoderIdentity | None = None
    _learnt: dict[bytes, Learnt] = field(default_factory=dict)

    def scored(self, part: Part) -> Scored:
        """Fit on ``part.fit`` unless that was done, and score ``part.shown``.

        Raises EvaluationError where there is too little to fit on.
        """
        problem = self.problem
        key = part.fit.tobytes()
        if key not in self._learnt:
            self._learnt[key] = self._fitted(part.fit)
        learnt = self._learnt[key]
        views = tuple(view_of(learnt, problem.records[row], problem.tiers) for row in part.shown)
        return Scored(problem, learnt, part.fit, part.shown, views)

    def _fitted(self, rows: Fold) -> Learnt:
        try:
            records = [self.problem.records[row] for row in rows]
            return fit_learnt(records, tiers=self.problem.tiers, seed=self.seed, encoder=self.encoder)
        except ValueError as exc:
            message = f"{len(rows)} records are left to fit on once those that judge are kept out: {exc}"
            raise EvaluationError(message) from exc
