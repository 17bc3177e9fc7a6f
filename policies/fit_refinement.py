"""Fits what probes add to the confidence in a tier's answers; nothing that serves imports this file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from itertools import combinations

import numpy as np

from policies.arms import is_arm
from policies.fit_logistic import fit_logistic
from policies.folds import Fold, out_of_fold
from policies.logistic import Logistic
from policies.metrics import auroc
from policies.odds import Floats, sigmoids
from policies.probes.refinement import Refinement, TierRefinements
from policies.registry import PROBES

MIN_ANSWERS = 60
"""Answers with a probe's measures before anything is learnt of it."""
_STRENGTH = 1.0
_SWING = (0.025, 0.975)
_MOST_PROBES = 3
"""Sets of probes are enumerated: seven for three."""

Measures = Mapping[str, float]


@cache
def probe_measures() -> dict[str, tuple[str, ...]]:
    """Names of all measures by registered probe."""
    return {name: tuple(PROBES.load(name).measures) for name in PROBES.names()}  # type: ignore[attr-defined]


def free_signals(tier: str, signals: Measures) -> Measures:
    """Return the signals that are there before any probe ran; all of an arm's, whose votes come with it."""
    if is_arm(tier):
        return signals
    paid = {name for names in probe_measures().values() for name in names} | {"sample_count"}
    return {name: value for name, value in signals.items() if name not in paid}


def fit_refinements(
    confidences: Floats, signals: Sequence[Measures], qualities: Floats, folds: Fold
) -> TierRefinements | None:
    """Fit a model for every set of probes that enough answers have; None where no probe does.

    ``confidences`` (n,) must be out of fold and by free signals; ``folds`` (n,) those that they were
    cross-fitted on. All models are judged on the answers that have every probe, so that their
    figures compare; None where these are all right or all wrong. The rarest probes are left out where
    too few answers have all.
    """
    probes = _measured(signals)
    rows = _complete(probes, signals)
    while probes and len(rows) < MIN_ANSWERS:
        probes.popitem()
        rows = _complete(probes, signals)
    base = auroc(confidences[rows], qualities[rows]) if probes else None
    if base is None:
        return None
    table = [signals[row] for row in rows]
    models = (
        _fit(
            {probe: probes[probe] for probe in chosen}, confidences[rows], table, qualities[rows], folds[rows]
        )
        for size in range(1, len(probes) + 1)
        for chosen in combinations(probes, size)
    )
    return TierRefinements(base, tuple(models))


def _measured(signals: Sequence[Measures]) -> dict[str, tuple[str, ...]]:
    """Probes with those of their measures that MIN_ANSWERS answers have, the commonest first."""
    found = {}
    for probe, names in probe_measures().items():
        kept = tuple(name for name in names if sum(name in seen for seen in signals) >= MIN_ANSWERS)
        if kept:
            found[probe] = kept
    most = sorted(found, key=lambda probe: -sum(found[probe][0] in seen for seen in signals))
    return {probe: found[probe] for probe in most[:_MOST_PROBES]}


def _complete(probes: Mapping[str, tuple[str, ...]], signals: Sequence[Measures]) -> Fold:
    """Rows that have every measure of ``probes``."""
    names = {name for read in probes.values() for name in read}
    return np.array([row for row, seen in enumerate(signals) if names <= seen.keys()], dtype=np.int64)


def _fit(
    probes: Mapping[str, tuple[str, ...]],
    confidences: Floats,
    table: Sequence[Measures],
    qualities: Floats,
    folds: Fold,
) -> Refinement:
    names = [name for read in probes.values() for name in read]
    values = np.array([[seen[name] for name in names] for seen in table])
    scale = np.maximum(values.std(axis=0), 1e-9)
    nothing = Logistic(np.zeros(1 + len(names)), 0.0)
    blank = Refinement(probes, values.mean(axis=0), scale, nothing, {}, 0.5)
    inputs = np.array([blank.inputs(c, seen) for c, seen in zip(confidences.tolist(), table, strict=True)])

    def fit_predict(fitted: Fold, rows: Fold) -> Floats:
        return sigmoids(fit_logistic(inputs[fitted], qualities[fitted], _STRENGTH).log_odds(inputs[rows]))

    scores = out_of_fold(folds, np.ones(len(qualities), dtype=np.bool_), fit_predict)
    logistic = fit_logistic(inputs, qualities, _STRENGTH)
    return Refinement(
        probes,
        blank.mean,
        scale,
        logistic,
        _swing(probes, inputs[:, 1:] * logistic.weights[1:]),
        auroc(scores, qualities) or 0.5,
    )


def _swing(probes: Mapping[str, tuple[str, ...]], added: Floats) -> dict[str, tuple[float, float]]:
    """How far each probe's measures moved the log-odds; ``added`` (n, measures) is each one's part."""
    swing, place = {}, 0
    for probe, names in probes.items():
        part = added[:, place : place + len(names)].sum(axis=1)
        low, high = np.quantile(part, _SWING)
        swing[probe] = (float(low), float(high))
        place += len(names)
    return swing
