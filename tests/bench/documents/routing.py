"""Pages routed over stored outputs: the pure policy decides, on predictions that never saw the page.

What quality is worth is chosen on the pages that the predictions were fitted on, so that fidelity and cost
are both out of sample.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.model_selection import KFold

from policies.base import Answered, Candidate, State, Try
from policies.cascade_routing import CascadeRouting, CascadeRoutingOptions
from tests.bench.documents.replay import CHEAP, STRONG, Floats, Replay

_FOLDS, _INNER_FOLDS, _TREES, _LEAF, _REPEATS = 10, 5, 200, 3, 2
_VALUES = np.geomspace(0.3, 300.0, 60)
_MICROS = 1_000_000


@dataclass(frozen=True, slots=True)
class Point:
    """Mean score, and cost as a share of always asking docling."""

    name: str
    fidelity: float
    cost: float


def fixed(replay: Replay, engine: str) -> Point:
    """Always one engine."""
    cost = replay.seconds[engine] / replay.seconds[STRONG]
    return Point(f"always {engine}", float(replay.scores(engine).mean()), cost)


def oracle(replay: Replay, engines: Sequence[str]) -> Point:
    """The cheap engine, and the best of the others where that is better: what nobody can know."""
    cheap = replay.scores(CHEAP)
    best = np.max([replay.scores(engine) for engine in engines], axis=0)
    dearest = [
        replay.seconds[engines[int(i)]] for i in np.argmax([replay.scores(e) for e in engines], axis=0)
    ]
    spent = replay.seconds[CHEAP] + np.where(best > cheap, dearest, 0.0)
    return Point(
        "oracle", float(np.maximum(best, cheap).mean()), float(spent.mean() / replay.seconds[STRONG])
    )


def routed(replay: Replay, engines: Sequence[str], target: float) -> Point:
    """The cheap engine first, then one of ``engines`` where it promises enough for ``target``."""
    features, names = replay.features(), (CHEAP, *engines)
    scores = {name: replay.scores(name) for name in names}
    fidelity, cost = np.zeros(len(features)), np.zeros(len(features))
    for repeat in range(_REPEATS):
        for fit, judge in KFold(_FOLDS, shuffle=True, random_state=repeat).split(features):
            seen = _out_of_fold(features[fit], {name: scores[name][fit] for name in names})
            value = _value_for(seen, replay.seconds, target)
            predicted = {
                name: _fitted(features[fit], scores[name][fit]).predict(features[judge]) for name in names
            }
            for place, index in enumerate(judge):
                chosen = _decide({name: predicted[name][place] for name in names}, replay.seconds, value)
                fidelity[index] += scores[chosen][index] / _REPEATS
                cost[index] += _spent(chosen, replay.seconds) / _REPEATS
    name = f"routed over {', '.join(engines)}, aimed at {target:.0%}"
    return Point(name, float(fidelity.mean()), float(cost.mean() / replay.seconds[STRONG]))


def _out_of_fold(features: Floats, scores: Mapping[str, Floats]) -> list[dict[str, float]]:
    """Predictions for the pages that the others were fitted on, as a judged page will get them."""
    predicted = [dict.fromkeys(scores, 0.0) for _ in range(len(features))]
    for fit, judge in KFold(_INNER_FOLDS, shuffle=True, random_state=0).split(features):
        for name, of_name in scores.items():
            for index, value in zip(
                judge, _fitted(features[fit], of_name[fit]).predict(features[judge]), strict=True
            ):
                predicted[int(index)][name] = float(value)
    return predicted


def _fitted(features: Floats, scores: Floats) -> ExtraTreesRegressor:
    model = ExtraTreesRegressor(_TREES, min_samples_leaf=_LEAF, max_features=0.4, random_state=0)
    return model.fit(features, scores)


def _value_for(
    predicted: Sequence[Mapping[str, float]], seconds: Mapping[str, float], target: float
) -> float:
    """The largest worth of quality whose cost on these pages keeps to the target: cost grows with it."""
    low, high = 0, len(_VALUES) - 1
    while low < high:
        middle = (low + high + 1) // 2
        chosen = [_decide(one, seconds, float(_VALUES[middle])) for one in predicted]
        spent = np.mean([_spent(name, seconds) for name in chosen])
        low, high = (middle, high) if spent <= target * seconds[STRONG] else (low, middle - 1)
    return float(_VALUES[low])


def _decide(predicted: Mapping[str, float], seconds: Mapping[str, float], value: float) -> str:
    """The engine whose output stands; a second counts as a US dollar."""
    policy = CascadeRouting(CascadeRoutingOptions(value_of_correct_usd=value))
    others = sorted((name for name in predicted if name != CHEAP), key=seconds.__getitem__)
    state = State(
        candidates=tuple(
            Candidate(name, _share(predicted[name]), seconds[name] * _MICROS) for name in others
        ),
        answered=(Answered(CHEAP, _share(predicted[CHEAP]), _share(predicted[CHEAP])),),
    )
    verdict = policy.decide(state)
    return verdict.tier if isinstance(verdict, Try) else CHEAP


def _spent(chosen: str, seconds: Mapping[str, float]) -> float:
    return seconds[CHEAP] + (seconds[chosen] if chosen != CHEAP else 0.0)


def _share(value: float) -> float:
    return min(max(float(value), 0.0), 1.0)
