"""From graded answers to a certificate, on a made-up ladder whose truth is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from policies.certifying import Finding, Ladder, find, label, run_setting, suited_test
from policies.guarantee.certify import Certified, NotCertified
from policies.guarantee.terms import Terms, Test
from policies.learnt import Learnt
from tests.policies.ladder import COSTS_USD_MICROS, TIERS, records


@pytest.fixture(scope="module")
def ladder(learnt: Learnt) -> Ladder:
    return Ladder(COSTS_USD_MICROS, learnt.joint)


@pytest.fixture(scope="module")
def finding(learnt: Learnt, ladder: Ladder) -> Finding:
    """What 900 labels say at a loss of 5 %."""
    design, rest = label(learnt, records(250, seed=11), TIERS), label(learnt, records(900, seed=12), TIERS)
    return find(design, {"": rest}, ladder, Terms(0.05))[""]


def test_what_is_certified_saves_and_keeps_its_word_on_fresh_traffic(
    learnt: Learnt, ladder: Ladder, finding: Finding
) -> None:
    """The certified setting loses less than 5 % on records that nobody saw."""
    assert isinstance(finding.verdict, Certified)
    assert finding.setting is not None
    assert finding.proof is not None
    assert finding.proof.saving > 0.1
    fresh = run_setting(finding.setting, label(learnt, records(1500, seed=13), TIERS), ladder)
    assert fresh.losses.mean() < 0.05
    assert 1.0 - fresh.cost / ladder.top_cost == pytest.approx(finding.proof.saving, abs=0.05)


def test_what_is_saved_counts_what_each_answer_cost(learnt: Learnt, ladder: Ladder, finding: Finding) -> None:
    """Where the answers that are sent up are the dear ones, less is saved than mean costs would have it."""
    assert finding.setting is not None
    asked = records(400, seed=15)
    plain = label(learnt, asked, TIERS)
    kept = run_setting(finding.setting, plain, ladder).chosen
    by_record = {id(record): 1.9 if place == 2 else 0.1 for record, place in zip(asked, kept, strict=True)}
    dear = label(learnt, asked, TIERS, lambda record, tier: COSTS_USD_MICROS[tier] * by_record[id(record)])
    flat, seen = (run_setting(finding.setting, labelled, ladder) for labelled in (plain, dear))
    assert flat.top_cost == ladder.top_cost
    assert 1.0 - seen.cost / seen.top_cost < 1.0 - flat.cost / flat.top_cost
    assert (seen.losses == flat.losses).all()


def test_every_setting_of_the_path_is_tested_up_to_the_first_failure(finding: Finding) -> None:
    """The steps that passed come first, and the certified one is the last of them."""
    assert isinstance(finding.verdict, Certified)
    passed = [step.passed for step in finding.verdict.steps]
    assert passed == [True] * (finding.verdict.index + 1) + [False] * (
        len(passed) - finding.verdict.index - 1
    )


def test_where_cheap_tiers_are_never_right_nothing_is_certified(learnt: Learnt, ladder: Ladder) -> None:
    """Whatever their signals promise."""
    labelled = label(learnt, records(300, seed=14), TIERS)
    labelled = replace(labelled, qualities=np.tile([0.0, 0.0, 1.0], (300, 1)))
    found = find(labelled, {"": labelled}, ladder, Terms(0.02))[""]
    assert isinstance(found.verdict, NotCertified)
    assert (found.setting, found.proof, found.agreement) == (None, None, None)


def test_grades_between_right_and_wrong_ask_for_the_graded_test() -> None:
    """The net test knows right and wrong only."""
    assert suited_test(np.array([[0.0, 1.0]])) is Test.NET
    assert suited_test(np.array([[0.0, 0.5]])) is Test.GRADED
