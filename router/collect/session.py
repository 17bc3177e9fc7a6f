"""One collection from end to end: answer what is missing, grade, write.

Decides the order: all that can be refused is refused before anything is paid for, and tiers are
started only where an answer is missing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from router.collect.answer_log import AnswerLog
from router.collect.answers import Slot
from router.collect.errors import CollectError
from router.collect.graders.base import Grader
from router.collect.grading import check_gradable, grade_all, jobs_of
from router.collect.house import opened
from router.collect.progress import Reporter
from router.collect.records import lines_of
from router.collect.run import Ended, Order, collect
from router.collect.settings import tier_prints
from router.collect.summary import TierSummary, summarize
from router.config import Config
from router.outcomes.write import write_lines

_GRADED_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Collected:
    """What a collection came to; ``grader`` None: nobody graded. ``tiers`` cheapest first."""

    out: Path
    record_count: int
    prompt_count: int
    duplicate_count: int
    grader: str | None
    grader_is_proxy: bool
    other_signals: tuple[str, ...]
    ended: Ended
    tiers: Mapping[str, TierSummary]

    @property
    def is_complete(self) -> bool:
        """Whether every tier answered every prompt."""
        return not any(summary.missing_count or summary.failures for summary in self.tiers.values())

    def to_json(self) -> dict[str, object]:
        """As one JSON object."""
        return {
            "out": str(self.out),
            "record_count": self.record_count,
            "prompt_count": self.prompt_count,
            "duplicate_count": self.duplicate_count,
            "complete": self.is_complete,
            "grader": self.grader,
            "grader_is_proxy": self.grader_is_proxy,
            "signals_of_other_code": list(self.other_signals),
            "given_up": dict(self.ended.given_up),
            "out_of_money": self.ended.is_out_of_money,
            "tiers": {tier: summary.to_json() for tier, summary in self.tiers.items()},
        }


class Session:
    """A collection of ``order`` into ``out``; ``grader`` None: nobody grades.

    Raises CollectError where the grader cannot grade these prompts.
    """

    def __init__(
        self, config: Config, order: Order, out: Path, grader: Grader | None, duplicate_count: int = 0
    ) -> None:
        self._config = config
        self._order = order
        self._out = out
        self._duplicate_count = duplicate_count
        self._grader = grader
        if grader is not None:
            check_gradable(order.cases, grader)
            if grader.needs_top and len(order.places) < 2:
                raise CollectError(
                    f"the grader {grader.name} holds tiers against the top one, and only "
                    f"{', '.join(order.places)} is asked; ask two or more, or name another --grader"
                )
        self.log_path = out.with_name(f"{out.name}.answers")
        self.kept_count = 0

    async def run(self) -> Collected:
        """Collect, grade and write. Raises CollectError, TierDown and OSError; see the modules."""
        tiers = tuple(self._order.places)
        with AnswerLog(self.log_path, temperature=self._order.temperature) as log:
            log.begin(tier_prints(self._config, tiers))
            try:
                ended = await self._collect(log)
                grades = None if self._grader is None else await self._grade(log, self._grader)
            finally:
                self.kept_count = len(log.answers)
            lines = lines_of(self._order.cases, tiers, log, grades, self._grader)
            return Collected(
                out=self._out,
                record_count=write_lines(lines, self._out),
                prompt_count=len(self._order.cases),
                duplicate_count=self._duplicate_count,
                grader=None if self._grader is None else self._grader.name,
                grader_is_proxy=self._grader is not None and self._grader.is_proxy,
                other_signals=tuple(sorted(log.other_signals)),
                ended=ended,
                tiers=summarize(self._order.cases, tiers, log, grades),
            )

    async def _collect(self, log: AnswerLog) -> Ended:
        missing = {
            tier: sum(slot not in log.answers for slot, _ in self._order.slots(tier))
            for tier in self._order.places
        }
        if not any(missing.values()):
            return Ended({}, is_out_of_money=False)
        totals = dict.fromkeys(self._order.places, self._order.count)
        done = Counter({tier: totals[tier] - count for tier, count in missing.items()})
        async with opened(self._config, tuple(self._order.places)) as router:
            with Reporter(totals, done, log.spent_usd_micros, Console(stderr=True)) as reporter:
                return await collect(router, log, self._order, reporter)

    async def _grade(self, log: AnswerLog, grader: Grader) -> dict[Slot, float]:
        jobs = [job for job in jobs_of(self._order.cases, log) if job.slot.tier in self._order.places]
        top = tuple(self._order.places)[-1]
        with Progress(console=Console(stderr=True), transient=True, disable=not grader.is_dear) as progress:
            bar = progress.add_task("grading", total=len(jobs))
            return await grade_all(jobs, log, grader, top, _GRADED_AT_ONCE, lambda: progress.advance(bar))
