"""Outcomes out of the journal: prompts that were stored, answers that were scored."""

from __future__ import annotations

from pathlib import Path

import pytest

from router.journal import SqliteJournal
from router.journal.audit import Audit
from router.outcomes import OutcomesError, load_outcomes, write_outcomes
from tests.router.journal import entries


async def journal(
    path: Path, *, store_prompts: bool, scores: dict[str, float], agreed: bool | None = None
) -> Path:
    """A journal of an answered and audited, an unscored and a failed request."""
    kept = SqliteJournal(path, store_prompts=store_prompts)
    await kept.start()
    for entry in (entries.answered("r1"), entries.answered("unscored"), entries.failed("r2")):
        kept.record(entry)
    kept.audit(Audit("r1", "c", 0.1, "edge", "frontier", agreed, 0.0, "agreed", cost_usd_micros=9))
    for source, score in scores.items():
        await kept.feedback("r1", score, source)
    await kept.close()
    return path


async def test_a_scored_answer_is_an_outcome(tmp_path: Path) -> None:
    """With its signals and its own cost, probes apart; scores of several sources are averaged."""
    path = await journal(tmp_path / "j.sqlite", store_prompts=True, scores={"user": 1.0, "judge": 0.5})
    (record,) = load_outcomes(path)
    outcome = record.outcomes["edge"]
    assert (record.id, record.prompt.text, outcome.text) == ("r1", "How many is 2 + 2?", "4")
    assert (outcome.quality, outcome.output_token_count, outcome.cost_usd) == (0.75, 3, 7e-6)
    assert outcome.signals == entries.ATTEMPT.signals
    write_outcomes([record], tmp_path / "o.jsonl")
    assert load_outcomes(tmp_path / "o.jsonl") == [record]


async def test_a_comparison_is_no_score(tmp_path: Path) -> None:
    """What audits are told compares two answers; it says nothing of how good either is."""
    path = await journal(tmp_path / "j.sqlite", store_prompts=True, scores={"audit": 0.5, "user": 1.0})
    (record,) = load_outcomes(path)
    assert record.outcomes["edge"].quality == 1.0


@pytest.mark.parametrize(
    ("agreed", "tiers"), [(True, {"edge", "frontier"}), (False, {"edge"}), (None, {"edge"})]
)
async def test_an_audit_that_agreed_grades_the_top_tier_too(
    tmp_path: Path, agreed: bool | None, tiers: set[str]
) -> None:
    """Who says the same is as right; where they differ nobody graded the top tier's answer."""
    path = await journal(tmp_path / "j.sqlite", store_prompts=True, scores={"user": 0.5}, agreed=agreed)
    (record,) = load_outcomes(path)
    assert set(record.outcomes) == tiers
    assert {outcome.quality for outcome in record.outcomes.values()} == {0.5}


@pytest.mark.parametrize(("store_prompts", "scores"), [(False, {"user": 1.0}), (True, {})])
async def test_a_journal_without_prompts_or_scores_is_refused(
    tmp_path: Path, store_prompts: bool, scores: dict[str, float]
) -> None:
    """It says what to change."""
    path = await journal(tmp_path / "j.sqlite", store_prompts=store_prompts, scores=scores)
    with pytest.raises(OutcomesError, match=r"of 3 requests .* journal.store_prompts"):
        load_outcomes(path)
