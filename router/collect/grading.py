"""Grades what was answered. Nothing is run again for it, so another grader may judge the same answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from policies.guarantee.certificate import digest
from router.collect.answer_log import AnswerLog
from router.collect.answers import Slot
from router.collect.cases import Case
from router.collect.errors import CollectError
from router.collect.graders.base import Grader


@dataclass(frozen=True, slots=True)
class Job:
    """An answer to be graded: where it belongs, and the prompt it is for."""

    slot: Slot
    case: Case


def check_gradable(cases: Sequence[Case], grader: Grader) -> None:
    """Raise CollectError where a case lacks what it is to be graded by; nothing has been paid for yet."""
    lacking = [(case, missing) for case in cases if (missing := grader.missing(case)) is not None]
    if lacking:
        case, missing = lacking[0]
        others = f" (and {len(lacking) - 1} others)" if len(lacking) > 1 else ""
        raise CollectError(
            f"{case.place or case.id}: the grader {grader.name} needs {missing}{others}; add it, or name "
            "another --grader, or `none` to grade later"
        )


def jobs_of(cases: Sequence[Case], log: AnswerLog) -> list[Job]:
    """Every answer to ``cases`` that the log holds, in a fixed order."""
    by_key = {case.key: case for case in cases}
    return [Job(slot, by_key[slot.key]) for slot in sorted(log.answers) if slot.key in by_key]


async def grade_all(
    jobs: Sequence[Job],
    log: AnswerLog,
    grader: Grader,
    top_tier: str,
    at_once: int,
    on_grade: Callable[[], None],
) -> dict[Slot, float]:
    """Grades by slot; what could not be graded is left out.

    Raises CollectError where the grader gives up. Cancelling keeps the dear grades that are there.
    """
    waiting = iter(jobs)
    grades: dict[Slot, float] = {}

    async def work() -> None:
        for job in waiting:
            if (grade := await _grade(job, log, grader, top_tier)) is not None:
                grades[job.slot] = grade
            on_grade()

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(work())
    except* CollectError as failed:
        raise CollectError(str(failed.exceptions[0])) from failed
    return grades


async def _grade(job: Job, log: AnswerLog, grader: Grader, top_tier: str) -> float | None:
    slot = job.slot
    # A program may judge by the references too: other ones make another judgement.
    name = f"{grader.name} {references_key(job.case)}" if grader.is_dear else grader.name
    if (kept := log.grades.get((name, slot))) is not None:
        return kept
    top = log.answers.get(Slot(slot.key, top_tier))
    grade = await grader.grade(job.case, log.answers[slot].text, None if top is None else top.text)
    if grade is not None and grader.is_dear:
        log.graded(name, slot, grade)
    return grade


def references_key(case: Case) -> str:
    """Eight hexadecimal digits that name what the case is graded by."""
    return digest([list(case.references), case.task])[:8]
