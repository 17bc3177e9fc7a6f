"""Simulation on outcomes of every tier: exact, and held against the top tier."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from policies.artefact import save
from policies.outcomes import OutcomeRecord
from policies.replay import replay, view_of
from policies.training import fit_learnt
from router.config import parse
from router.simulate import SimulationError
from router.simulate.proposal import Proposal, proposal_of
from router.simulate.replayed import simulate_outcomes
from tests.policies.ladder import COSTS_USD_MICROS, TIERS, records

CONFIG = """
version: 1
learnt: {learnt}
difficulty: {{estimator: linear}}
tiers:
  - {{name: edge, backend: echo, price: {{output_usd_per_million_tokens: 1}}}}
  - {{name: local, backend: echo, price: {{output_usd_per_million_tokens: 5}}}}
  - {{name: frontier, backend: echo, price: {{output_usd_per_million_tokens: 50}}}}
policies:
  - {{name: climb, ladder: [edge, local, frontier], objective: {{rule: threshold, min_confidence: 0.8}}}}
  - {{name: small, ladder: [edge, frontier], objective: {{rule: threshold, min_confidence: 0.5}}}}
  - {{name: top, ladder: [frontier], objective: {{rule: fixed, tier: frontier}}}}
"""


@pytest.fixture(scope="module")
def learnt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What was learnt from other records of the ladder."""
    path = tmp_path_factory.mktemp("learnt") / "learnt.json"
    save(fit_learnt(records(300, seed=1), tiers=TIERS), path)
    return path


@pytest.fixture(scope="module")
def graded() -> list[OutcomeRecord]:
    """Records with what each answer cost."""
    return [
        replace(
            record,
            id=f"r{number}",
            outcomes={
                tier: replace(outcome, cost_usd=COSTS_USD_MICROS[tier] / 1e6)
                for tier, outcome in record.outcomes.items()
            },
        )
        for number, record in enumerate(records(400, seed=2))
    ]


def width(told: dict[str, Any]) -> float:
    low, high = told["interval"]
    return float(high - low)


def proposals(learnt: Path) -> dict[str, Proposal]:
    config = parse(CONFIG.format(learnt=learnt))
    return {policy.name: proposal_of(config, policy) for policy in config.policies}


def test_a_policy_is_replayed_as_evaluation_replays_it(learnt: Path, graded: list[OutcomeRecord]) -> None:
    """The same tiers run, the same answers are kept."""
    climb = proposals(learnt)["climb"]
    assert climb.learnt is not None
    found = simulate_outcomes(graded, climb, climb)
    replayed = replay(
        climb.policy, [view_of(climb.learnt, record, TIERS) for record in graded], COSTS_USD_MICROS
    )
    qualities = np.array([[record.outcomes[tier].quality for tier in TIERS] for record in graded])
    loss = (qualities[:, -1] - replayed.qualities(qualities)).mean()
    assert found.new.outcome.value == pytest.approx(loss)
    for place, tier in enumerate(TIERS):
        assert found.new.answered[tier] == pytest.approx((replayed.chosen == place).mean())
        assert found.new.ran[tier] == pytest.approx(replayed.tried[:, place].mean())


def test_old_and_new_are_paired(learnt: Path, graded: list[OutcomeRecord]) -> None:
    """The change has an interval of its own, narrower than that of two policies apart."""
    made = proposals(learnt)
    found = simulate_outcomes(graded, made["climb"], made["small"])
    old, new, change = (
        part.to_json() for part in (found.old.outcome, found.new.outcome, found.outcome_change)
    )
    assert change["value"] == pytest.approx(new["value"] - old["value"])  # type: ignore[operator]
    assert width(change) < width(old) + width(new)
    costs = found.old.cost_usd.value, found.new.cost_usd.value
    assert found.cost_change.value == pytest.approx((costs[1] or 0.0) / (costs[0] or 1.0) - 1.0)


def test_always_the_top_loses_nothing_and_saves_nothing(learnt: Path, graded: list[OutcomeRecord]) -> None:
    """Every other tier's loss is what keeping its answers would lose."""
    made = proposals(learnt)
    found = simulate_outcomes(graded, made["climb"], made["top"])
    assert found.new.outcome.value == 0.0
    assert found.new.cost_share.value == pytest.approx(1.0)
    assert found.tiers["frontier"] == pytest.approx((1e-3, 0.0))
    mean = np.mean([r.outcomes["frontier"].quality - r.outcomes["edge"].quality for r in graded])
    assert found.tiers["edge"][1] == pytest.approx(mean)


def test_records_without_the_ladder_are_refused(learnt: Path, graded: list[OutcomeRecord]) -> None:
    """It says what they have."""
    lone = [replace(r, outcomes={"edge": r.outcomes["edge"]}) for r in graded[:5]]
    made = proposals(learnt)
    with pytest.raises(
        SimulationError, match=r"none of 5 records has an outcome of each of .* they have edge"
    ):
        simulate_outcomes(lone, made["climb"], made["top"])
    found = simulate_outcomes([*lone, *graded[5:50]], made["climb"], made["top"])
    assert found.request_count == 45
    assert "5 records lack a tier" in found.notes[0]
