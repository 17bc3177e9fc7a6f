"""What a journal's record says of its tiers."""

from __future__ import annotations

from dataclasses import replace

from router.events import Outcome
from router.journal import Record
from router.simulate.logged import traffic_of
from tests.router.journal import entries


def test_a_tier_that_answered_when_asked_again_did_not_fail() -> None:
    """It stays a candidate with the answer that it gave, at the cost of both calls."""
    entry = entries.answered()
    record = Record.of(entry, time_s=0.0, store_prompts=False)
    (attempt,) = record.attempts
    broken = replace(attempt, outcome=Outcome.FAILED, reason="unavailable", cost_usd_micros=5)
    again = replace(record, attempts=(broken, attempt))
    (logged,) = traffic_of([again], None).requests
    (plain,) = traffic_of([record], None).requests
    assert (logged.known.candidates, logged.known.answers) == (plain.known.candidates, plain.known.answers)
    assert logged.costs == {attempt.tier: attempt.cost_usd_micros + 5}
