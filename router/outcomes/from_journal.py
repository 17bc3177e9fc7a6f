"""Outcomes out of the journal: what was served, joined with what was said of it later.

A request counts where its prompt was stored and its answer was scored. What a tier wrote before it was
rejected is not in the journal, so only the tier that answered has an outcome, and the top tier where an audit
found that it says the same. What was asked with tools is left out: an outcome has no place for them, and what
it taught would be held to hold for prompts without.
"""

from __future__ import annotations

from pathlib import Path
from statistics import fmean

from backends.types import Prompt
from policies.outcomes import Outcome, OutcomeRecord
from router.audit import FEEDBACK_SOURCE
from router.journal.read import read_journal
from router.journal.record import Record
from router.outcomes.errors import OutcomesError


def outcomes_of_journal(path: Path) -> list[OutcomeRecord]:
    """Read the journal at ``path``; several scores of one answer are averaged.

    Raises OutcomesError where nothing in it can be used, and JournalError where it is none.
    """
    seen = list(read_journal(path))
    records = [found for record in seen if (found := _record(record))]
    if not records:
        scored = sum(bool(record.feedback) for record in seen)
        raise OutcomesError(
            f"{path}: of {len(seen)} requests {scored} have feedback and none has its prompt beside it; "
            "set journal.store_prompts and send feedback by request id"
        )
    return records


def _record(record: Record) -> OutcomeRecord | None:
    scores = [feedback.score for feedback in record.feedback if feedback.source != FEEDBACK_SOURCE]
    if record.messages is None or record.tier is None or not scores or record.tool_calls is not None:
        return None
    attempt = next((made for made in reversed(record.attempts) if made.tier == record.tier), None)
    if attempt is None:
        return None
    outcome = Outcome(
        fmean(scores),
        dict(attempt.signals),
        attempt.usage.output_token_count,
        text=record.answer,
        cost_usd=attempt.answer_cost_usd_micros / 1e6,
        latency_s=attempt.latency_s,
    )
    outcomes = {record.tier: outcome, **_audited(record, outcome.quality)}
    return OutcomeRecord(Prompt(record.messages), outcomes, id=record.request_id)


def _audited(record: Record, quality: float) -> dict[str, Outcome]:
    """Return the top tier's outcome where its answer said the same; it was not kept itself."""
    audit = record.audit
    if audit is None or not audit.agreed or audit.tier == audit.top_tier:
        return {}
    cost_usd = audit.cost_usd_micros / 1e6
    return {audit.top_tier: Outcome(quality, {}, None, cost_usd=cost_usd, latency_s=audit.latency_s)}
