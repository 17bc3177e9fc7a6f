"""Whether deciding pays: policies against each other at equal cost."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backends.types import Message, Prompt, Role
from policies.base import Policy
from policies.learnt import Learnt
from policies.registry import POLICIES
from policies.training import Outcome, OutcomeRecord, fit_learnt
from tests.policies.ladder import TIERS, Point, quality_at, records, run

OUTCOMES = Path(os.environ.get("UPSHIFT_OUTCOMES", "no-outcomes")) / "mmlu-1500.jsonl.gz"
"""RouteLLM's MMLU sample, where somebody has it; not shipped."""
NOISE = 0.012
"""Two standard errors of a paired difference in mean quality over 1500 prompts, measured."""


def make(name: str, learnt: Learnt, **options: Any) -> Policy:
    loaded: Any = POLICIES.load(name)
    policy: Policy = loaded(loaded.Options(**options), learnt.joint)
    return policy


@pytest.fixture(scope="module")
def asked() -> list[OutcomeRecord]:
    """Fresh prompts, none of which anything was fitted on."""
    return records(1500, seed=5)


@pytest.fixture(scope="module")
def single(learnt: Learnt, asked: list[OutcomeRecord]) -> list[Point]:
    """Every tier alone; mixing them at random gives the lines between."""
    return [run(make("fixed", learnt, tier=tier), learnt, asked) for tier in TIERS]


def test_the_random_mix_lies_between_the_tiers(
    learnt: Learnt, asked: list[OutcomeRecord], single: list[Point]
) -> None:
    """It is the baseline: on the line, within noise."""
    mixed = run(make("mix", learnt, weights={"edge": 1.0, "frontier": 1.0}), learnt, asked)
    between = (single[0].quality + single[2].quality) / 2
    assert mixed.quality == pytest.approx(between, abs=0.03)


@pytest.fixture(scope="module")
def cascades(learnt: Learnt, asked: list[OutcomeRecord]) -> list[Point]:
    """Threshold cascades over the useful range."""
    levels = (0.5, 0.7, 0.8, 0.9, 0.95, 0.98)
    return [run(make("threshold", learnt, min_confidence=level), learnt, asked) for level in levels]


@pytest.mark.parametrize("value_of_correct_usd", [0.0005, 0.003, 0.006, 0.02])
def test_cascade_routing_is_no_worse_than_the_others_at_equal_cost(
    learnt: Learnt,
    asked: list[OutcomeRecord],
    single: list[Point],
    cascades: list[Point],
    value_of_correct_usd: float,
) -> None:
    """Against the hull of tiers and of threshold cascades: what mixing any two of them would give."""
    ours = run(make("cascade_routing", learnt, value_of_correct_usd=value_of_correct_usd), learnt, asked)
    assert ours.quality >= quality_at([*single, *cascades], ours.cost_usd_micros) - NOISE
    assert ours.quality >= quality_at(single, ours.cost_usd_micros) + NOISE


def test_a_higher_value_buys_more_quality(learnt: Learnt, asked: list[OutcomeRecord]) -> None:
    """The one knob moves cost and quality together."""
    points = [
        run(make("cascade_routing", learnt, value_of_correct_usd=value), learnt, asked[:600])
        for value in (0.0003, 0.003, 0.03)
    ]
    assert points[0].cost_usd_micros < points[1].cost_usd_micros < points[2].cost_usd_micros
    assert points[0].quality < points[1].quality < points[2].quality


@pytest.mark.skipif(not OUTCOMES.exists(), reason="set UPSHIFT_OUTCOMES to a folder of recorded outcomes")
def test_recorded_outcomes_of_real_models_can_be_learnt_from() -> None:
    """Two real models without signals: the prompt alone ranks the weak one's answers above chance."""
    with gzip.open(OUTCOMES, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    graded = [
        OutcomeRecord(
            Prompt((Message(Role.USER, row["prompt"]),)),
            {tier: Outcome(outcome["quality"], {}, 1) for tier, outcome in row["outcomes"].items()},
        )
        for row in rows
    ]
    learnt = fit_learnt(graded)
    ranked = learnt.reports["mixtral-8x7b-instruct"].difficulty_auroc
    assert ranked is not None
    assert ranked > 0.58
    assert not learnt.confidence.tiers
    assert np.isfinite(learnt.difficulty.linear.weights).all()
