"""From answers and grades to the file of outcomes.

Decides what a line holds beyond the record: who graded, whether that is a proxy, and the references,
so that the file is a file of prompts again. Answers that nobody graded have no ``quality``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from policies.outcomes import Outcome, OutcomeRecord, Sample
from router.collect.answer_log import AnswerLog
from router.collect.answers import Answer, Slot
from router.collect.cases import Case
from router.collect.graders.base import Grader
from router.outcomes.write import as_line, document_of

_UNGRADED = 0.0
"""Stands in while a line is made, and is taken out of it again."""


def lines_of(
    cases: Sequence[Case],
    tiers: Sequence[str],
    log: AnswerLog,
    grades: Mapping[Slot, float] | None,
    grader: Grader | None,
) -> Iterator[str]:
    """One line a case, as far as any tier's answer could be graded; ``grades`` None: nobody graded."""
    for case in cases:
        outcomes = {
            tier: outcome for tier in tiers if (outcome := _outcome(case, tier, log, grades)) is not None
        }
        if outcomes:
            record = OutcomeRecord(case.prompt, outcomes, id=case.id, group=case.group, task=case.task)
            yield as_line(_marked(document_of(record), case, grader))


def _outcome(case: Case, tier: str, log: AnswerLog, grades: Mapping[Slot, float] | None) -> Outcome | None:
    slot = Slot(case.key, tier)
    answer = log.answers.get(slot)
    grade = _UNGRADED if grades is None else grades.get(slot)
    if answer is None or grade is None:
        return None
    return Outcome(
        grade,
        answer.signals,
        answer.output_token_count,
        text=answer.text,
        cost_usd=answer.cost_usd_micros / 1e6,
        latency_s=answer.latency_s,
        samples=tuple(_samples(slot, log, grades)),
    )


def _samples(first: Slot, log: AnswerLog, grades: Mapping[Slot, float] | None) -> Iterator[Sample]:
    number = 1
    while (answer := log.answers.get(slot := Slot(first.key, first.tier, number))) is not None:
        yield _sample(answer, None if grades is None else grades.get(slot))
        number += 1


def _sample(answer: Answer, grade: float | None) -> Sample:
    return Sample(answer.text, grade, answer.signals)


def _marked(document: dict[str, Any], case: Case, grader: Grader | None) -> dict[str, Any]:
    marks: dict[str, Any] = {}
    if case.references:
        marks["references"] = list(case.references)
    if case.prompt.terms.tags:
        marks["tags"] = list(case.prompt.terms.tags)
    if case.pattern is not None:
        marks["pattern"] = case.pattern
    if grader is None:
        for outcome in document["outcomes"].values():
            del outcome["quality"]
    else:
        marks["grader"] = grader.name
        if grader.is_proxy:
            marks["grader_is_proxy"] = True
    return document | marks
