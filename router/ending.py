"""What an answered request ends in: the answer, its account, and what it is covered by."""

from __future__ import annotations

from backends.types import Usage
from router.attempt import Attempt
from router.events import Result
from router.situation import Situation


def result_of(situation: Situation, chosen: Attempt, reason: str) -> Result:
    """Make the result with ``chosen``'s answer, which is complete."""
    assert chosen.finish_reason is not None, "only complete answers are accepted"
    chosen.accept(reason)
    plan = situation.plan
    reports = tuple(attempt.report() for attempt in situation.attempts)
    return Result(
        request_id=plan.request.id,
        text=chosen.text,
        reasoning=chosen.reasoning,
        tier=chosen.tier.name,
        policy=plan.route.name,
        confidence=chosen.assessment.confidence,
        reason=reason,
        finish_reason=chosen.finish_reason,
        stop_sequence=chosen.stop_sequence,
        attempt_number=chosen.number,
        attempts=reports,
        usage=sum((report.total_usage for report in reports), Usage()),
        cost_usd_micros=sum(report.cost_usd_micros for report in reports),
        latency_s=situation.budget.elapsed_s(),
        certificate_id=_certificate_id(situation),
        skipped=situation.skipped(),
        tool_calls=chosen.tool_calls,
        tokens=chosen.tokens if plan.request.prompt.sampling.logprobs else (),
    )


def _certificate_id(situation: Situation) -> str | None:
    """The certificate that covers this answer; None where the request was not as those it was tested on.

    It was tested on ladders of which every tier can be tried and answers, down to the last limit. A call
    that failed does not count where the same tier answered another.
    """
    plan = situation.plan
    permit = plan.permit
    answered = {attempt.tier.name for attempt in situation.answered()}
    was_disturbed = (
        permit is None
        or any(rung.exclusion_reason is not None for rung in plan.rungs)
        or bool(situation.tried() - answered)
        or situation.ladder.limit_reached(situation.tried()) is not None
        or plan.constraints.min_confidence != permit.certificate.setting.min_confidence
    )
    return None if permit is None or was_disturbed else permit.certificate.id
