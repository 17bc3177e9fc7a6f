"""How long a decision takes: of what the router runs before and after an answer, nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from policies.base import Answered, Candidate, State
from policies.derive import written
from policies.features import features_of
from policies.outcomes import OutcomeRecord
from policies.registry import SIGNALS
from policies.signals.base import Answer, measure_all
from router.evaluate.contenders import valued
from router.evaluate.evaluation import Times
from router.evaluate.scored import Scored

_RECORD_COUNT = 200


def decision_times(scored: Scored, clock: Callable[[], float] = time.perf_counter) -> dict[str, Times]:
    """Time the two decisions of cascade routing at a middling knob, record by record.

    ``before``: features, predictions and the first decision; ``after``: signals and confidence of
    the cheapest tier's answer, and the second decision.
    """
    before, after = [], []
    records = [scored.problem.records[row] for row in scored.rows[:_RECORD_COUNT]]
    run = _Run(scored)
    for record, view in zip(records, scored.views, strict=False):
        started = clock()
        state = run.first(record)
        before.append(clock() - started)
        started = clock()
        run.second(record, state, view.answers[run.cheapest].quality)
        after.append(clock() - started)
    return {"before": _times(before), "after": _times(after)}


class _Run:
    """The steps that are timed, with all that a server would have made beforehand."""

    def __init__(self, scored: Scored) -> None:
        self.scored = scored
        self.cheapest = scored.problem.tiers[scored.rungs[0]]
        self.costs = scored.expected_usd_micros
        self.policy = valued(scored, 3.0 * float(scored.expected_costs.max()))
        self.signals = [SIGNALS.load(name)() for name in SIGNALS.names()]

    def first(self, record: OutcomeRecord) -> State:
        estimates = self.scored.learnt.difficulty.predict(record.prompt, features_of(record.prompt))
        candidates = tuple(
            Candidate(tier, estimates[tier].quality, cost) for tier, cost in self.costs.items()
        )
        state = State(candidates, ladder=tuple(self.costs))
        self.policy.decide(state)
        return state

    def second(self, record: OutcomeRecord, state: State, quality: float) -> None:
        outcome = record.outcomes[self.cheapest]
        measured = measure_all(self.signals, Answer(record.prompt, written(outcome) or ""))
        signals = {**measured, **outcome.signals}
        confidence = self.scored.learnt.confidence.predict(self.cheapest, quality, signals)
        answered = Answered(self.cheapest, quality, confidence)
        self.policy.decide(State(state.candidates[1:], (answered,), ladder=state.ladder))


def _times(seconds: list[float]) -> Times:
    p50, p99 = np.percentile(np.array(seconds) * 1e6, [50.0, 99.0])
    return Times(float(p50), float(p99))
