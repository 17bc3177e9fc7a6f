"""Arms on recorded answers: cascade routing over two models, with and without asking the weak one oftener.

Everything is fitted on four fifths of the prompts and judged on the rest.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from backends.types import Message, Prompt, Role
from policies.arm_outcomes import with_arms
from policies.arms import Arm
from policies.bootstrap import Figure, figure, resample_weights
from policies.cascade_routing import CascadeRouting, CascadeRoutingOptions
from policies.curves import curve_area_of, hull_area_of
from policies.derive import with_text_signals
from policies.folds import assign_folds
from policies.odds import Floats
from policies.outcomes import Outcome, OutcomeRecord, Sample
from policies.replay import replay, view_of
from policies.signals.agreement import read, sample_agreement
from policies.training import fit_learnt

STRONG = "GPT4/greedy_cot1"
WEAK = ("GPT3/cot1", "GPT3/cot1_t=0.4", "GPT3/cot1_t=0.8", "GPT3/cot2", "GPT3/pot1", "llama2_13B/cot1")
_SHARE = 0.03
"""Cost of a weak call, of a strong one: the proportion of the two models' prices when these were drawn."""
ARMS = (Arm(tier="weak", samples=3), Arm(tier="weak", samples=5))
_VALUES = np.geomspace(0.1, 100.0, 24)


@dataclass(frozen=True, slots=True)
class Pays:
    """One weak model: areas under quality against cost of the hull, of routing, and what arms add to it.

    ``auroc`` of the weak model's confidence without and with its four samples as a probe, out of fold.
    """

    weak: str
    quality: Mapping[str, float]
    hull: Figure
    plain: Figure
    armed: Figure
    gain: Figure
    auroc: tuple[float, float]

    def to_json(self) -> dict[str, Any]:
        """As an object."""
        return asdict(self) | {
            name: getattr(self, name).to_json() for name in ("hull", "plain", "armed", "gain")
        }


def records(path: Path, weak: str) -> list[OutcomeRecord]:
    """Outcomes of ``weak`` with its samples, and of the strong model, under the names of the ladder."""
    with gzip.open(path) as file:
        rows = [json.loads(line) for line in file]
    made = [_record(row, weak) for row in rows if len(row["samples"].get(weak, ())) >= 5]
    return with_arms(with_text_signals(made), ARMS)


def _record(row: Mapping[str, Any], weak: str) -> OutcomeRecord:
    truth = read(row["answer"])

    def grade(text: str) -> float:
        return sample_agreement(read(text), [truth]).get("sample_agreement_share", 0.0)

    drawn = [text or "" for text in row["samples"][weak]]
    strong = row["samples"][STRONG][0] or ""
    samples = tuple(Sample(text, grade(text)) for text in drawn[1:5])
    return OutcomeRecord(
        Prompt((Message(Role.USER, row["prompt"]),)),
        {
            "weak": Outcome(grade(drawn[0]), {}, None, text=drawn[0], cost_usd=_SHARE, samples=samples),
            "strong": Outcome(grade(strong), {}, None, text=strong, cost_usd=1.0),
        },
        id=row["id"],
    )


def judged(seen: Sequence[OutcomeRecord], weak: str, seed: int) -> Pays:
    """Replay both ways to route, out of fold."""
    groups = [record.prompt.text for record in seen]
    ladder = {"weak": _SHARE, **{arm.name: arm.samples * _SHARE for arm in ARMS}, "strong": 1.0}
    plain = _curve(seen, {name: ladder[name] for name in ("weak", "strong")}, groups, seed)
    armed = _curve(seen, ladder, groups, seed)
    singles = np.array([[record.outcomes[tier].quality for tier in ladder] for record in seen])
    ends = singles[:, [0, -1]]
    costs = np.tile([_SHARE, 1.0], (len(seen), 1))
    weights = resample_weights(groups, count=1000, seed=seed)
    before, after = (curve_area_of(*curve, costs, ends) for curve in (plain, armed))
    return Pays(
        weak,
        dict(zip(ladder, singles.mean(axis=0).tolist(), strict=True)),
        figure(hull_area_of(costs, ends), weights),
        figure(before, weights),
        figure(after, weights),
        figure(lambda drawn: after(drawn) - before(drawn), weights),
        _aurocs(seen, seed),
    )


def _aurocs(seen: Sequence[OutcomeRecord], seed: int) -> tuple[float, float]:
    refined = fit_learnt(seen, tiers=("weak", "strong"), seed=seed).refinements.tiers["weak"]
    model = refined.of({"samples"})
    assert model is not None, "every record has samples"
    return refined.base_auroc, model.auroc


def _curve(
    seen: Sequence[OutcomeRecord], ladder: Mapping[str, float], groups: Sequence[str], seed: int
) -> tuple[Floats, Floats]:
    """Cost and quality of every record at every value of a right answer, both (n, settings)."""
    folds = assign_folds(groups, count=5, seed=seed)
    costs, qualities = np.zeros((2, len(seen), len(_VALUES)))
    expected = {tier: 1e6 * cost for tier, cost in ladder.items()}
    for fold in range(5):
        fitted = [record for record, place in zip(seen, folds.tolist(), strict=True) if place != fold]
        rows = np.flatnonzero(folds == fold)
        learnt = fit_learnt(fitted, tiers=tuple(ladder), seed=seed)
        views = [view_of(learnt, seen[row], tuple(ladder)) for row in rows.tolist()]
        table = np.array([[seen[row].outcomes[tier].quality for tier in ladder] for row in rows.tolist()])
        spent = np.tile(list(ladder.values()), (len(rows), 1))
        for setting, value in enumerate(_VALUES.tolist()):
            policy = CascadeRouting(CascadeRoutingOptions(value_of_correct_usd=value), learnt.joint)
            run = replay(policy, views, expected)
            costs[rows, setting], qualities[rows, setting] = run.costs(spent), run.qualities(table)
    return costs, qualities
