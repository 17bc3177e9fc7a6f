"""Whether a request pays for another call to a tier that it has asked: after a failure, or beside a slow one.

Decides from the request's one budget and one deadline, of which an attempt and time stay kept back for one
escalation. Whether the tier stands another call, its guard decides.
"""

from __future__ import annotations

from backends.errors import Unavailable
from backends.types import Usage
from router.attempt import Attempt
from router.plan import Rung
from router.resilience.retrying import is_transient
from router.running import Run
from router.situation import Situation


def retry_wait_s(situation: Situation, attempt: Attempt, retry_number: int) -> float | None:
    """Seconds after which ``attempt``'s tier is asked again, for the ``retry_number``-th time.

    None: it is not. Once text went out to the caller, no; nor where another node passed the request on, for
    it retries itself, and retries at every hop would multiply.
    """
    error, guard = attempt.error, attempt.tier.guard
    if error is None or not attempt.may_repeat or not is_transient(error):
        return None
    if attempt.was_shown or not attempt.is_single or situation.plan.request.hop_count:
        return None
    if not (_has_attempt(situation) and situation.ladder.output_token_limit(attempt.rung) >= 1):
        return None
    asked_s = error.retry_after_s if isinstance(error, Unavailable) else None
    wait_s = guard.retry_wait_s(retry_number, asked_s)
    if wait_s is None or wait_s < guard.breaker.wait_s():
        return None
    usual_s = attempt.rung.rates.first_token_s
    return wait_s if wait_s + usual_s <= situation.timeout_s(attempt.rung) else None


def hedge_delay_s(situation: Situation, rung: Rung) -> float | None:
    """Seconds of silence after which ``rung`` is asked again; None: the policy does not pay for that."""
    return rung.tier.guard.hedge_delay.delay_s() if situation.plan.route.hedge else None


def may_hedge(situation: Situation, lead: Run) -> bool:
    """Whether a second call is made beside ``lead``, which is silent; its money is held by the worst case."""
    attempt, guard = lead.attempt, lead.attempt.tier.guard
    if not (attempt.is_single and attempt.is_running and guard.gate.has_room and guard.breaker.admits()):
        return False
    if not _has_attempt(situation):
        return False
    worst = Usage(attempt.rung.input_token_count, lead.prompt.sampling.max_output_token_count or 0)
    situation.budget.charge(attempt.number, attempt.tier.price.cost_usd_micros(worst))
    is_paid = situation.ladder.output_token_limit(attempt.rung) >= 1 and guard.throttle.take()
    if not is_paid:
        situation.budget.charge(attempt.number, attempt.cost_usd_micros)
    return is_paid


def _has_attempt(situation: Situation) -> bool:
    """Whether there is an attempt to spare, with one kept back for the next tier where there is any."""
    left = situation.budget.attempts_left()
    return left is None or left > (1 if situation.open_rungs() else 0)
