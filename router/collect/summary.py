"""What a collection came to, by tier, for people and for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean

from router.collect.answer_log import AnswerLog
from router.collect.answers import Slot
from router.collect.cases import Case


@dataclass(frozen=True, slots=True)
class TierSummary:
    """One tier's answers to the prompts asked for, samples apart; None: there is nothing to average.

    ``failures`` by reason; ``ungraded_count`` answers could not be graded, which is all of them where
    nobody was asked to.
    """

    answer_count: int
    missing_count: int
    sample_count: int
    failures: Mapping[str, int]
    ungraded_count: int
    mean_quality: float | None
    cost_usd: float
    mean_latency_s: float | None

    def to_json(self) -> dict[str, object]:
        """As one JSON object."""
        return asdict(self)


def summarize(
    cases: Sequence[Case], tiers: Sequence[str], log: AnswerLog, grades: Mapping[Slot, float] | None
) -> dict[str, TierSummary]:
    """Sum up what ``log`` holds of ``cases``."""
    return {tier: _summary(cases, tier, log, grades or {}) for tier in tiers}


def _summary(cases: Sequence[Case], tier: str, log: AnswerLog, grades: Mapping[Slot, float]) -> TierSummary:
    keys = {case.key for case in cases}
    firsts = [Slot(key, tier) for key in sorted(keys)]
    answers = {slot: log.answers[slot] for slot in firsts if slot in log.answers}
    qualities = [grades[slot] for slot in answers if slot in grades]
    owned = [slot for slot in log.answers if slot.tier == tier and slot.key in keys]
    return TierSummary(
        answer_count=len(answers),
        missing_count=len(firsts) - len(answers),
        sample_count=len(owned) - len(answers),
        failures=dict(
            Counter(
                failure.reason
                for slot, failure in log.failures.items()
                if slot.tier == tier and slot.key in keys
            )
        ),
        ungraded_count=len(answers) - len(qualities),
        mean_quality=fmean(qualities) if qualities else None,
        cost_usd=sum(log.answers[slot].cost_usd_micros for slot in owned) / 1e6,
        mean_latency_s=fmean(answer.latency_s for answer in answers.values()) if answers else None,
    )
