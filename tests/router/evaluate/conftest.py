"""One small evaluation for all tests that look at its figures."""

from __future__ import annotations

import pytest

from router.evaluate import Problem, Settings, evaluate, pose
from router.evaluate.evaluation import Evaluation
from router.evaluate.splits import fold_splits
from tests.policies.ladder import TIERS, records


@pytest.fixture(scope="session")
def problem() -> Problem:
    """The made-up ladder of the policies' tests."""
    return pose(records(240, seed=3), TIERS, [0.02, 0.1, 1.0])


@pytest.fixture(scope="session")
def steps() -> list[str]:
    """What the evaluation told of its progress."""
    return []


@pytest.fixture(scope="session")
def evaluation(problem: Problem, steps: list[str]) -> Evaluation:
    """Three folds, all policies."""
    splits = fold_splits(problem.groups, count=3, seed=0)
    return evaluate(problem, splits, Settings(resample_count=100), steps.append)
