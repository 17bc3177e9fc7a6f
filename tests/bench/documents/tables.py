"""Tables end to end: columns, a table model, and what verification accepts, held against people's cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from policies.threshold import Threshold, ThresholdOptions
from router.documents.engines.base import Engine
from router.documents.outcome import Outcome, Verdict
from router.documents.route.routes import TABLE_CONFIDENCE, ElementRoute
from router.documents.verify.confidence import Curve
from router.documents.verify.relations import relation_f1
from tests.bench.documents.climbing import Remembering, climb, scores_of
from tests.bench.documents.fitted import Judged, curve_of, folds
from tests.bench.documents.icdar import Case, cases

RIGHT = 0.9
"""F1 of adjacency relations from which a table counts as right."""
LADDER = ("columns", "table_model")
NEUTRAL = {"agreement": 0.9, "filled": 0.85, "regular": 0.7, "typed": 0.9, "sums": 0.5}


@dataclass(frozen=True, slots=True)
class TableFigures:
    """What came out."""

    case_count: int
    alone: Mapping[str, float]
    f1: float
    accepted_share: float
    accepted_right: float
    model_share: float
    seconds: Mapping[str, float]
    curves: Mapping[str, Curve]


async def measure(folder: Path, engines: Mapping[str, Engine]) -> TableFigures:
    """Judge every table by curves that were fitted without its document."""
    found = list(cases(folder))
    remembering = {name: Remembering(engines[name]) for name in LADDER}
    judged = [await judged_case(case, remembering) for case in found]
    outcomes: list[Outcome | None] = [None] * len(found)
    for fit_on, judge in folds([case.document for case in found]):
        curves = curves_of([judged[index] for index in fit_on])
        for index in judge:
            outcomes[index] = await climb(found[index].subject, remembering, _route(), curves)
    return _figures(found, [one for one in outcomes if one is not None], judged, remembering)


def curves_of(judged: Sequence[Mapping[str, list[Judged]]]) -> dict[str, Curve]:
    """A curve for each engine."""
    return {
        f"table/{name}": curve_of([one for case in judged for one in case.get(name, ())], NEUTRAL)
        for name in LADDER
    }


async def judged_case(case: Case, engines: Mapping[str, Remembering]) -> dict[str, list[Judged]]:
    """What every engine makes of a table, and whether it is right."""
    scored = await scores_of(case.subject, [engines[name] for name in LADDER], case.subject.element.native)
    return {
        name: [Judged(case.document, scores, _f1(reading.grid, case) >= RIGHT) for scores in stages]
        for name, (reading, stages) in scored.items()
    }


def _f1(grid: object, case: Case) -> float:
    from router.documents.table import Grid

    return relation_f1(grid, case.truth) if isinstance(grid, Grid) else 0.0


def _route() -> ElementRoute:
    policy = Threshold(ThresholdOptions(min_confidence=TABLE_CONFIDENCE))
    return ElementRoute("tables", policy, LADDER, min_confidence=TABLE_CONFIDENCE)


def _figures(
    found: Sequence[Case],
    outcomes: Sequence[Outcome],
    judged: Sequence[Mapping[str, list[Judged]]],
    engines: Mapping[str, Remembering],
) -> TableFigures:
    f1 = [
        _f1(outcome.reading.grid if outcome.reading else None, case)
        for case, outcome in zip(found, outcomes, strict=True)
    ]
    accepted = [score for score, o in zip(f1, outcomes, strict=True) if o.verdict is Verdict.VERIFIED]
    alone = {
        name: sum(
            _f1(engine.readings[key].grid, case) for case, key in zip(found, engine.readings, strict=True)
        )
        / len(found)
        for name, engine in engines.items()
    }
    return TableFigures(
        case_count=len(found),
        alone=alone,
        f1=sum(f1) / len(f1),
        accepted_share=len(accepted) / len(f1),
        accepted_right=sum(score >= RIGHT for score in accepted) / max(len(accepted), 1),
        model_share=sum(any(t.engine == "table_model" for t in o.tries) for o in outcomes) / len(outcomes),
        seconds={
            name: sum(engine.seconds_taken.values()) / len(engine.seconds_taken)
            for name, engine in engines.items()
        },
        curves=curves_of(judged),
    )
