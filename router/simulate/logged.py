"""A journal's records as a simulation sees them: what ran, what it said and cost, and what was observed.

Decides which records count and what an audit or a score observes. Constraints of single requests are
not in a journal, so they play no part.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from policies.base import Answered, Candidate
from policies.follow import Known
from policies.signals.base import failed_validation
from router.audit import FEEDBACK_SOURCE
from router.events import AttemptReport, Outcome
from router.journal import Audit, Record, read_journal
from router.simulate.errors import SimulationError

_UNUSABLE = frozenset(
    {"not_ready", "circuit_open", "no_grammar", "context_too_long", "external", "not_allowed"}
)


@dataclass(frozen=True, slots=True, eq=False)
class Logged:
    """One answered request.

    ``known`` as :mod:`policies.follow` takes it; ``served`` is the tier that answered. ``costs`` by tier,
    in millionths of a US dollar, are of those that ran, with the probes that the confidence in their
    answers rests on; ``cost`` is of all attempts. ``audit`` None: none was made; ``could_be_audited``:
    its coin was tossed. ``score`` is the mean of what was said of the answer, None: nothing.
    """

    id: str
    known: Known
    served: str
    costs: Mapping[str, int]
    cost: int
    audit: Audit | None
    could_be_audited: bool
    score: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Traffic:
    """The answered requests of one policy. ``tiers`` are its ladder, cheapest first, as the log has it."""

    policy: str
    tiers: tuple[str, ...]
    requests: Sequence[Logged]
    failed_count: int
    other_count: int


def read_traffic(path: Path, policy: str | None) -> Traffic:
    """Read the requests of ``policy``, None: of the one that has most, from the journal at ``path``.

    Raises SimulationError where there are none, and JournalError where it is no journal.
    """
    return traffic_of(read_journal(path), policy, str(path))


def traffic_of(records: Iterable[Record], policy: str | None, place: str = "the journal") -> Traffic:
    """Take the requests of ``policy`` from ``records``; see :func:`read_traffic`."""
    seen = list(records)
    counts = Counter(record.policy for record in seen if record.tier is not None)
    if not counts or (policy is not None and not counts[policy]):
        known = ", ".join(f"{name} ({count})" for name, count in counts.most_common()) or "none at all"
        raise SimulationError(f"{place}: no answered request of policy {policy or 'any'}; there are: {known}")
    name = policy or counts.most_common(1)[0][0]
    own = [record for record in seen if record.policy == name]
    answered = [record for record in own if record.tier is not None]
    tiers = Counter(tuple(one.tier for one in record.estimates) for record in answered).most_common(1)[0][0]
    return Traffic(
        name,
        tiers,
        [_logged(record) for record in answered],
        failed_count=len(own) - len(answered),
        other_count=len(seen) - len(own),
    )


def _logged(record: Record) -> Logged:
    assert record.tier is not None
    qualities = {one.tier: one.quality for one in record.estimates}
    completed = {attempt.tier for attempt in record.attempts if attempt.outcome is not Outcome.FAILED}
    # A tier that answered when it was asked again did not fail.
    failed = {attempt.tier for attempt in record.attempts} - completed
    costs: Counter[str] = Counter()
    for attempt in record.attempts:
        costs[attempt.tier] += attempt.cost_usd_micros
    candidates = tuple(
        Candidate(one.tier, one.quality, one.cost_usd_micros)
        for one in record.estimates
        if one.exclusion_reason not in _UNUSABLE and one.tier not in failed
    )
    answers = {
        attempt.tier: _answered(attempt, qualities.get(attempt.tier, 0.0))
        for attempt in record.attempts
        if attempt.outcome is not Outcome.FAILED
    }
    scores = [feedback.score for feedback in record.feedback if feedback.source != FEEDBACK_SOURCE]
    return Logged(
        id=record.request_id,
        known=Known(candidates, answers, ladder=tuple(one.tier for one in record.estimates)),
        served=record.tier,
        costs=costs,
        cost=record.cost_usd_micros,
        audit=record.audit,
        could_be_audited=record.certificate_id is not None,
        score=fmean(scores) if scores else None,
    )


def _answered(attempt: AttemptReport, quality: float) -> Answered:
    return Answered(attempt.tier, quality, attempt.confidence, failed_validation(attempt.signals))
