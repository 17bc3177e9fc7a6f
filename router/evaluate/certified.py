"""What a certificate would save on these records: a third designs, the rest certifies, once.

The same walk as for a certificate that is deployed, on cascade routing's path; nothing is issued.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from policies.certifying import suited_test
from policies.guarantee.certify import Certified, Evidence, certify
from policies.guarantee.path import choose_path
from policies.guarantee.split import is_design
from policies.guarantee.terms import Terms
from policies.odds import Floats
from policies.replay import replay
from policies.training import MIN_PROMPTS
from router.evaluate.contenders import valued
from router.evaluate.evaluation import CertifiedFigures
from router.evaluate.problem import Problem
from router.evaluate.scored import Fitter, Scored
from router.evaluate.splits import Part

MAX_LOSSES = (0.01, 0.02, 0.05)
_VALUES = np.geomspace(60.0, 0.8, 24)
"""Values of a right answer in dearest calls, safest first."""


def certified_savings(fitter: Fitter, confidence: float = 0.95) -> tuple[CertifiedFigures, ...]:
    """Certify each of MAX_LOSSES by itself; nothing where there are too few records to design on."""
    problem = fitter.problem
    designs = np.array([is_design(group) for group in problem.groups])
    design, certifying = np.flatnonzero(designs), np.flatnonzero(~designs)
    if len({problem.groups[row] for row in design}) < MIN_PROMPTS or not len(certifying):
        return ()
    chosen = _losses_and_costs(fitter.scored(Part(design, design)))
    tested = _losses_and_costs(fitter.scored(Part(design, certifying)))
    return tuple(_figures(problem, chosen, tested, confidence))


def _losses_and_costs(scored: Scored) -> tuple[Floats, Floats, float]:
    """Losses against the top tier and costs, (rows, settings), and the top tier's mean cost."""
    costs, qualities = scored.table()
    expected, dearest = scored.expected_usd_micros, float(scored.expected_costs.max())
    runs = [replay(valued(scored, value * dearest), scored.views, expected) for value in _VALUES]
    losses = np.column_stack([qualities[:, -1] - run.qualities(qualities) for run in runs])
    return losses, np.column_stack([run.costs(costs) for run in runs]), float(costs[:, -1].mean())


def _figures(
    problem: Problem,
    design: tuple[Floats, Floats, float],
    tested: tuple[Floats, Floats, float],
    confidence: float,
) -> Iterator[CertifiedFigures]:
    for max_loss in MAX_LOSSES:
        terms = Terms(max_loss, confidence, suited_test(problem.qualities))
        losses, costs, top_cost = design
        path = list(choose_path(losses, costs.mean(axis=0), top_cost, max_loss))
        verdict = certify(Evidence(tested[0][:, path], losses[:, path]), terms)
        if isinstance(verdict, Certified):
            saving = 1.0 - float(tested[1][:, path[verdict.index]].mean()) / tested[2]
            loss = verdict.step.loss
            yield CertifiedFigures(max_loss, verdict.label_count, saving, loss, None)
        else:
            yield CertifiedFigures(max_loss, verdict.label_count, None, None, verdict.labels_needed)
