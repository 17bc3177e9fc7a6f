"""What all splits found, put together: one row a judged record."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from policies.folds import Fold
from policies.odds import Floats
from router.evaluate.contenders import CONTENDERS, Path
from router.evaluate.problem import Problem
from router.evaluate.scored import Fitter, Scored
from router.evaluate.signs import Signs, confidences_of, signs_of
from router.evaluate.splits import Split

TOLERANCES = (0.0, 0.01, 0.02)
"""Losses against the top tier that a knob may be set for."""

Step = Callable[[str], None]
"""Told what has been done; one call a step."""


@dataclass(frozen=True, slots=True, eq=False)
class Pooled:
    """Rows of the problem that judged, and in their order all that was found.

    Signs by moment, the confidences served, each policy's path, and by policy and tolerance the
    setting that its knob was set to.
    """

    rows: Fold
    signs: Mapping[str, Signs]
    confidences: Floats
    paths: Mapping[str, Path]
    matched: Mapping[str, Mapping[float, Path]]


def step_count(splits: Sequence[Split], policies: Sequence[str]) -> int:
    """How many steps :func:`pool` will tell of."""
    return sum((1 + len(split.tune)) * (1 + len(policies)) for split in splits)


def pool(fitter: Fitter, splits: Sequence[Split], policies: Sequence[str], step: Step) -> Pooled:
    """Fit, score and replay every split."""
    found = [_judged(fitter, split, policies, step) for split in splits]
    return Pooled(
        np.concatenate([judged.rows for judged in found]),
        {
            moment: Signs(
                np.vstack([judged.signs[moment].right for judged in found]),
                np.vstack([judged.signs[moment].harm for judged in found]),
            )
            for moment in found[0].signs
        },
        np.vstack([judged.confidences for judged in found]),
        {name: _stacked([judged.paths[name] for judged in found]) for name in policies},
        {
            name: {loss: _stacked([judged.matched[name][loss] for judged in found]) for loss in TOLERANCES}
            for name in policies
        },
    )


def _judged(fitter: Fitter, split: Split, policies: Sequence[str], step: Step) -> Pooled:
    scored = fitter.scored(split.judge)
    step("fitted")
    paths = _paths(scored, policies, step)
    tuning: list[tuple[Fold, dict[str, Path]]] = []
    for part in split.tune:
        tuned = fitter.scored(part)
        step("fitted")
        tuning.append((tuned.rows, _paths(tuned, policies, step)))
    tuned_rows = np.concatenate([rows for rows, _ in tuning])
    matched = {
        name: _matched(
            fitter.problem, paths[name], tuned_rows, _stacked([tuned[name] for _, tuned in tuning])
        )
        for name in policies
    }
    return Pooled(scored.rows, signs_of(scored), confidences_of(scored), paths, matched)


def _paths(scored: Scored, policies: Sequence[str], step: Step) -> dict[str, Path]:
    paths = {}
    for name in policies:
        paths[name] = CONTENDERS[name](scored)
        step(name)
    return paths


def _matched(problem: Problem, judged: Path, tuned_rows: Fold, tuned: Path) -> dict[float, Path]:
    """Set the knob at the cheapest setting that lost no more than allowed where it was tuned."""
    top = float(problem.qualities[tuned_rows, -1].mean())
    costs, qualities = tuned.costs.mean(axis=0), tuned.qualities.mean(axis=0)
    matched = {}
    for loss in TOLERANCES:
        # The last setting is the top tier alone and always good enough.
        fitting = np.flatnonzero(qualities >= top - loss - 1e-12)
        setting = fitting[np.argmin(costs[fitting])]
        matched[loss] = Path(judged.costs[:, [setting]], judged.qualities[:, [setting]])
    return matched


def _stacked(paths: Sequence[Path]) -> Path:
    return Path(np.vstack([path.costs for path in paths]), np.vstack([path.qualities for path in paths]))
