"""Evaluations: order of the policies, honest figures, one form for machines."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from policies.costs import Weights
from policies.outcomes import OutcomeRecord
from router.evaluate import EvaluationError, Problem, Settings, evaluate, pose
from router.evaluate.contenders import CONTENDERS
from router.evaluate.evaluation import Evaluation
from router.evaluate.pooled import step_count
from router.evaluate.splits import fold_splits
from router.evaluate.table import notes_of, tables_of
from tests.policies.ladder import TIERS, records


def area(evaluation: Evaluation, policy: str) -> float:
    value = evaluation.policies[policy].area.value
    assert value is not None
    return value


def test_policies_stand_in_the_order_of_what_they_know(evaluation: Evaluation) -> None:
    """The oracle over all, and what looks at answers over the hull."""
    assert set(evaluation.policies) == set(CONTENDERS)
    assert area(evaluation, "oracle") == max(area(evaluation, name) for name in CONTENDERS)
    hull = evaluation.hull_area.value
    assert hull is not None
    assert area(evaluation, "cascade_routing") > hull


def test_the_baselines_are_what_their_names_say(evaluation: Evaluation, problem: Problem) -> None:
    """Every tier alone is a setting of its own, and mixing at random comes to the hull, chance apart."""
    costs = [point[0] for point in evaluation.policies["always_k"].curve]
    assert costs == pytest.approx([0.02, *problem.costs.mean(axis=0), 1.0])
    hull = evaluation.hull_area.value
    assert area(evaluation, "random_mix") == pytest.approx(hull, abs=0.02)


def test_the_ends_of_every_curve_are_single_tiers(evaluation: Evaluation, problem: Problem) -> None:
    """First the cheapest alone, last the dearest alone."""
    for figures in evaluation.policies.values():
        assert figures.curve[0] == pytest.approx((0.02, problem.qualities[:, 0].mean()))
        assert figures.curve[-1] == pytest.approx((1.0, problem.qualities[:, 2].mean()))


def test_an_answer_tells_more_than_its_prompt(evaluation: Evaluation) -> None:
    """AUROC by moment, for the tiers below the top."""
    right = evaluation.tiers["edge"].auroc_right
    assert right["after_own"].value > right["before"].value > 0.5  # type: ignore[operator]
    assert evaluation.tiers["frontier"].auroc_right == {}
    assert evaluation.escalation["before"].apgr.value > 0.5  # type: ignore[operator]


def test_the_knob_that_matches_the_top_allows_for_what_was_asked(evaluation: Evaluation) -> None:
    """The more may be lost, the less is paid."""
    shares = [match.cost_share.value for match in evaluation.policies["oracle"].match_top.values()]
    assert len(shares) == 3
    assert shares == sorted(shares, reverse=True)  # type: ignore[type-var]


def test_every_step_was_told(steps: list[str], evaluation: Evaluation, problem: Problem) -> None:
    """A progress bar that knows its end reaches it."""
    splits = fold_splits(problem.groups, count=3, seed=0)
    assert evaluation.record_count == 240
    assert len(steps) == step_count(splits, tuple(CONTENDERS)) + 1


def test_json_has_every_figure_with_its_interval(evaluation: Evaluation) -> None:
    """Plain names, no NaN."""
    document = json.loads(json.dumps(evaluation.to_json(), allow_nan=False))
    found = document["policies"]["cascade_routing"]["area"]
    low, high = found["interval"]
    assert low <= found["value"] <= high
    assert document["policies"]["routing"]["match_top"]["0.01"]["cost_share"]["value"] <= 1.0
    assert [row["max_loss"] for row in document["certified"]] == [0.01, 0.02, 0.05]
    assert document["decision_time"]["before"]["p50_us"] > 0.0


def test_tables_name_every_policy_and_tier(evaluation: Evaluation) -> None:
    """What people read."""
    first, *_ = tables_of(evaluation)
    names = list(first.columns[0].cells)
    assert names[:3] == [f"always {tier}" for tier in TIERS]
    assert len(names) == 3 + 1 + len(CONTENDERS)
    assert "240 records" in next(iter(notes_of(evaluation)))


def test_labels_of_what_judges_change_no_prediction(problem: Problem) -> None:
    """Grades of the judging fold turned over leave its scores, choices and knobs as they were."""
    splits = fold_splits(problem.groups, count=3, seed=0)[:1]
    judged = set(splits[0].judge.shown.tolist())
    turned = tuple(_turned(record) if row in judged else record for row, record in enumerate(problem.records))
    qualities = problem.qualities.copy()
    qualities[splits[0].judge.shown] = 1.0 - qualities[splits[0].judge.shown]
    other = replace(problem, records=turned, qualities=qualities)
    settings = Settings(policies=("routing", "prompt_length"), resample_count=0)
    before, after = (evaluate(given, splits, settings, lambda _: None) for given in (problem, other))
    for name in settings.policies:
        costs = [[cost for cost, _ in found.policies[name].curve] for found in (before, after)]
        assert np.allclose(costs[0], costs[1])
        shares = [found.policies[name].match_top[0.0].cost_share.value for found in (before, after)]
        assert shares[0] == shares[1]


def _turned(record: OutcomeRecord) -> OutcomeRecord:
    outcomes = {tier: replace(o, quality=1.0 - o.quality) for tier, o in record.outcomes.items()}
    return replace(record, outcomes=outcomes)


def test_a_ladder_is_brought_into_the_order_of_cost() -> None:
    """However it was written; records that lack a tier are counted out."""
    given = records(30, seed=1)
    given[0] = replace(given[0], outcomes={"edge": given[0].outcomes["edge"]})
    posed = pose(given, ("frontier", "edge"), [1.0, 0.1])
    assert posed.tiers == ("edge", "frontier")
    assert (posed.costs[0] == [0.1, 1.0]).all()
    assert posed.dropped_count == 1


@pytest.mark.parametrize(
    ("tiers", "costs", "complaint"),
    [
        (("edge",), [1.0], "at least two tiers"),
        (("edge", "edge"), [1.0, 2.0], "none twice"),
        (("edge", "cloud"), [1.0, 2.0], "known: edge, frontier, local"),
        (("edge", "local"), [1.0], "as many costs"),
        (("edge", "local"), None, "has no cost_usd for 'edge'; give --cost"),
    ],
)
def test_a_question_that_cannot_be_put(
    tiers: tuple[str, ...], costs: list[float] | None, complaint: str
) -> None:
    """It says what is missing."""
    with pytest.raises(EvaluationError, match=complaint):
        pose(records(5, seed=1), tiers, costs)


def test_waiting_counts_where_it_has_a_price() -> None:
    """Recorded seconds are added to recorded dollars."""
    problem = pose(recorded(latency_s=2.0), ("edge", "local"), None, Weights(latency_usd_per_s=0.25))
    assert set(problem.costs.flat) == {1.0}


def test_waiting_that_was_not_recorded_has_no_price() -> None:
    """It is refused rather than taken for none."""
    with pytest.raises(EvaluationError, match="has no latency_s"):
        pose(recorded(latency_s=None), ("edge", "local"), None, Weights(latency_usd_per_s=0.25))


def recorded(latency_s: float | None) -> list[OutcomeRecord]:
    return [
        replace(
            record,
            outcomes={
                tier: replace(outcome, cost_usd=0.5, latency_s=latency_s)
                for tier, outcome in record.outcomes.items()
            },
        )
        for record in records(30, seed=3)
    ]
