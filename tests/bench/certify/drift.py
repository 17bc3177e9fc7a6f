"""How soon audits notice that a certificate has gone stale, and how often they cry wolf."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from policies.guarantee.evidence_process import BETS
from policies.guarantee.monitor import AGREEMENT_MARGIN, HORIZON, SUSPECT_AT, Alarm
from policies.odds import Floats

_NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class Stream:
    """Audited losses: shares of harm and gain before and after ``change``, a count of audits."""

    name: str
    before: tuple[float, float]
    after: tuple[float, float]
    change: int


@dataclass(frozen=True, slots=True)
class Found:
    """``median_delay``: audits from the change to the alarm, None where over half never alarm."""

    name: str
    false_alarm_rate: float
    median_delay: int | None
    slow_delay: int | None


def watch(stream: Stream, max_loss: float, run_count: int, seed: int) -> Found:
    """Run the monitor's own processes over ``run_count`` streams at once, HORIZON audits each."""
    rng = np.random.default_rng(seed)
    alarm = Alarm()
    wealth, change = np.zeros((run_count, len(BETS))), np.zeros((run_count, len(BETS)))
    first = np.full(run_count, _NEVER)
    for number in range(HORIZON):
        harm, gain = stream.before if number < stream.change else stream.after
        draws = rng.random((run_count, 1))
        losses = np.where(draws < harm, 1.0, np.where(draws < harm + gain, -1.0, 0.0))
        steps = np.log1p(np.array(BETS) * (losses - max_loss))
        wealth, change = wealth + steps, np.maximum(change, 0.0) + steps
        raised = (log_mean(wealth) >= alarm.log_wealth_limit) | (log_mean(change) >= alarm.log_change_limit)
        first = np.where(raised & (first == _NEVER), number, first)
    return _found(stream, first)


def agree(predicted_drop: float, run_count: int, seed: int) -> int | None:
    """Escalations until answers that agree ``predicted_drop`` less than predicted are suspected; median."""
    rng = np.random.default_rng(seed)
    change = np.zeros((run_count, len(BETS)))
    first = np.full(run_count, _NEVER)
    for number in range(5000):
        predicted = rng.uniform(0.2, 0.8, (run_count, 1))
        agreed = rng.random((run_count, 1)) < predicted - predicted_drop
        steps = np.log1p(np.array(BETS) * (predicted - agreed - AGREEMENT_MARGIN))
        change = np.maximum(change, 0.0) + steps
        raised = log_mean(change) >= SUSPECT_AT * Alarm().log_change_limit
        first = np.where(raised & (first == _NEVER), number, first)
    return _quantile(first, 0.5)


def log_mean(logs: Floats) -> Floats:
    """Logarithm of the mean over bets, (runs,)."""
    highest = logs.max(axis=1, keepdims=True)
    return np.asarray(highest[:, 0] + np.log(np.exp(logs - highest).mean(axis=1)))


def _found(stream: Stream, first: NDArray[np.int64]) -> Found:
    early = first < stream.change
    delays = np.where(first == _NEVER, _NEVER, first - stream.change)[~early]
    never_changes = stream.change >= HORIZON
    return Found(
        stream.name,
        float(early.mean()),
        None if never_changes else _quantile(delays, 0.5),
        None if never_changes else _quantile(delays, 0.9),
    )


def _quantile(delays: NDArray[np.int64], share: float) -> int | None:
    value = int(np.sort(delays)[int(share * (len(delays) - 1))])
    return None if value == _NEVER else value
