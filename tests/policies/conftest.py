"""One fitted artefact for all tests of what is learnt."""

from __future__ import annotations

import pytest

from policies.learnt import Learnt
from policies.training import OutcomeRecord, fit_learnt
from tests.policies.ladder import TIERS, records


@pytest.fixture(scope="session")
def graded() -> list[OutcomeRecord]:
    """Records that ``learnt`` was fitted on."""
    return records(700, seed=1)


@pytest.fixture(scope="session")
def learnt(graded: list[OutcomeRecord]) -> Learnt:
    """What 700 graded prompts teach."""
    return fit_learnt(graded, tiers=TIERS)
