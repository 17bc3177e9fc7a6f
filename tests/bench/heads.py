"""Whether heads of their own for harm and gain beat what serves: ``python -m tests.bench.heads``.

After the cheapest tier's answer, trees on its signals, its confidence and all predictions are fitted
to "the top tier does better" (harm) and to the difference of grades (gain), on cross-fitted scores of
one half of the records, and judged on the other half beside what is served: the top tier's quality
given the confidence, less the confidence. Reads the folder that ``tests.bench.routing`` reads.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence

import numpy as np
from threadpoolctl import threadpool_limits

from policies.derive import with_text_signals
from policies.fit_forest import grow, grow_gain
from policies.folds import assign_folds
from policies.learnt import Learnt
from policies.metrics import auroc
from policies.odds import Floats, logit
from policies.outcomes import OutcomeRecord, groups_of
from policies.replay import View, view_of
from policies.resampled import apgr_of
from policies.training import fit_learnt
from router.outcomes import read_outcomes
from tests.bench.routing import folder

_FOLD_COUNT = 3


def measure(records: Sequence[OutcomeRecord], tiers: Sequence[str], seed: int) -> dict[str, Floats]:
    """Scores of the judging half by head, its harms, and the grades of both tiers."""
    halves = assign_folds(groups_of(records), count=2, seed=seed)
    fitted = [record for record, half in zip(records, halves, strict=True) if half == 0]
    judged = [record for record, half in zip(records, halves, strict=True) if half == 1]
    learnt = fit_learnt(fitted, tiers=tiers, seed=seed)
    views = [view_of(learnt, record, tiers) for record in judged]
    names = sorted({name for record in fitted for name in record.outcomes[tiers[0]].signals})
    known = _rows(_cross_fitted(fitted, tiers, seed), fitted, tiers, names)
    asked = _rows(views, judged, tiers, names)
    gains = _grades(fitted, tiers[-1]) - _grades(fitted, tiers[0])
    return {
        "served": np.array([_served(learnt, view, tiers) for view in views]),
        "harm": grow(known, (gains > 0.0).astype(np.float64), seed).decision_function(asked),
        "gain": grow_gain(known, gains, seed).predict(asked),
        "weak": _grades(judged, tiers[0]),
        "strong": _grades(judged, tiers[-1]),
    }


def _cross_fitted(records: Sequence[OutcomeRecord], tiers: Sequence[str], seed: int) -> list[View]:
    """Each record by what was learnt from the other folds."""
    folds = assign_folds(groups_of(records), count=_FOLD_COUNT, seed=seed)
    views: dict[int, View] = {}
    for fold in range(_FOLD_COUNT):
        others = [record for record, own in zip(records, folds, strict=True) if own != fold]
        learnt = fit_learnt(others, tiers=tiers, seed=seed)
        views |= {row: view_of(learnt, records[row], tiers) for row in np.flatnonzero(folds == fold).tolist()}
    return [views[row] for row in range(len(records))]


def _rows(
    views: Sequence[View], records: Sequence[OutcomeRecord], tiers: Sequence[str], names: Sequence[str]
) -> Floats:
    return np.array(
        [
            [
                *(logit(view.qualities[tier]) for tier in tiers),
                logit(view.answers[tiers[0]].confidence or 0.0),
                *(record.outcomes[tiers[0]].signals.get(name, np.nan) for name in names),
            ]
            for view, record in zip(views, records, strict=True)
        ]
    )


def _served(learnt: Learnt, view: View, tiers: Sequence[str]) -> float:
    small, top = tiers[0], tiers[-1]
    own = view.answers[small].confidence or 0.0
    return learnt.joint.quality_given(top, view.qualities[top], small, own) - own


def _grades(records: Sequence[OutcomeRecord], tier: str) -> Floats:
    return np.array([record.outcomes[tier].quality for record in records])


def main() -> None:
    """Measure one ladder and print a line a head."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.heads", description=__doc__)
    parser.add_argument("--ladder", default="mmlu-pro-a", help="a ladder of ladders.json with text")
    parser.add_argument("--rows", type=int, help="so many records, drawn at random")
    parser.add_argument("--seed", type=int, default=0, help="draws records and folds")
    arguments = parser.parse_args()
    entries = json.loads((folder() / "ladders.json").read_text(encoding="utf-8"))
    entry = next(one for one in entries if one["name"] == arguments.ladder)
    tiers = tuple(entry["tiers"])
    records = [one for one in read_outcomes(folder() / entry["file"]) if {*tiers} <= one.outcomes.keys()]
    order = np.random.default_rng(arguments.seed).permutation(len(records))[: arguments.rows]
    with threadpool_limits(limits=1):
        found = measure(with_text_signals([records[row] for row in order]), tiers, arguments.seed)
    weak, strong = found.pop("weak"), found.pop("strong")
    found["served and gain"] = 0.5 * (found["served"] + found["gain"])
    for head, scores in found.items():
        recovered = float(apgr_of(scores, weak, strong)(np.ones((1, len(weak))))[0])
        harm = auroc(scores, (strong > weak).astype(np.float64)) or np.nan
        print(f"{head:16} AUROC of harm {harm:.4f}   APGR {recovered:.4f}")


if __name__ == "__main__":
    main()
