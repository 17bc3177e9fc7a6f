"""The watch over a certificate: late drift is found, good traffic is left in peace."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.guarantee.evidence_process import EvidenceProcess
from policies.guarantee.monitor import Alarm, Monitor, Standing

LOSSES = st.lists(st.sampled_from((-1.0, 0.0, 0.3, 1.0)), max_size=80)


def watched(harm_share: float, count: int, monitor: Monitor, seed: int = 0) -> Monitor:
    """The watch after ``count`` audits."""
    for draw in np.random.default_rng(seed).random(count):
        monitor = monitor.audited(float(draw < harm_share))
    return monitor


def start() -> Monitor:
    return Monitor.of("c", max_loss=0.02)


def test_a_certificate_that_holds_is_left_in_peace() -> None:
    """Half the loss allowed, over 3,000 audits."""
    assert watched(0.01, 3000, start()).standing is Standing.CERTIFIED


def test_drift_is_suspected_and_then_ends_the_certificate() -> None:
    """From 1 to 5 %: audits first become four times as frequent, then the top tier takes over."""
    monitor = watched(0.01, 500, start())
    seen = [monitor.standing]
    for draw in np.random.default_rng(1).random(3000):
        monitor = monitor.audited(float(draw < 0.05))
        if monitor.standing is not seen[-1]:
            assert monitor.audit_rate == {Standing.SUSPECT: 0.08}.get(monitor.standing, monitor.audit_rate)
            seen.append(monitor.standing)
    assert seen[-1] is Standing.FALLBACK
    assert Standing.SUSPECT in seen
    assert monitor.audit_rate == 0.0


def test_a_loss_that_is_there_from_the_start_is_found() -> None:
    """Unlike by detectors of change."""
    assert watched(0.06, 1500, start()).standing is Standing.FALLBACK


def test_fallback_lasts_until_a_new_certificate() -> None:
    """Good audits do not bring back trust that was proven wrong."""
    lost = watched(1.0, 60, start())
    assert lost.standing is Standing.FALLBACK
    assert watched(0.0, 500, lost).standing is Standing.FALLBACK


def test_suspicion_passes() -> None:
    """A run of bad luck that ends is forgotten."""
    monitor = start()
    while monitor.standing is Standing.CERTIFIED:
        monitor = monitor.audited(1.0)
    assert monitor.standing is Standing.SUSPECT
    assert watched(0.0, 600, monitor).standing is Standing.CERTIFIED


def test_disagreement_among_escalations_raises_suspicion_and_no_more() -> None:
    """It is evidence about predictions, not about loss."""
    rng = np.random.default_rng(2)
    monitor = start()
    for draw in rng.random(2500):
        monitor = monitor.escalated(0.5, float(draw < 0.3))
    assert monitor.standing is Standing.SUSPECT


def test_agreement_as_predicted_raises_nothing() -> None:
    """Predictions that are right on average cost no audits."""
    rng = np.random.default_rng(2)
    monitor = start()
    for predicted, draw in zip(rng.random(2500), rng.random(2500), strict=True):
        monitor = monitor.escalated(float(predicted), float(draw < predicted))
    assert monitor.standing is Standing.CERTIFIED


@given(LOSSES, LOSSES)
def test_the_watch_goes_on_where_it_was_stored(before: list[float], after: list[float]) -> None:
    """State survives JSON exactly."""
    monitor = start()
    for loss in before:
        monitor = monitor.audited(loss).escalated(0.5, abs(loss))
    stored = Monitor.from_json(json.loads(json.dumps(monitor.to_json())))
    for loss in after:
        monitor, stored = monitor.audited(loss), stored.audited(loss)
    assert monitor == stored


@given(LOSSES, st.integers(0, 79))
def test_a_worse_audit_never_lessens_the_evidence(losses: list[float], place: int) -> None:
    """Neither for the process that remembers nor for the one that restarts."""
    good = bad = EvidenceProcess(0.02)
    for number, loss in enumerate(losses):
        good, bad = good.seen(loss), bad.seen(1.0 if number == place else loss)
    assert bad.log_wealth >= good.log_wealth
    assert bad.log_change >= good.log_change


def test_wealth_is_a_martingale_at_the_boundary() -> None:
    """Its mean after one label is 1 where the mean loss is exactly the bound."""
    process = EvidenceProcess(0.02)
    mean = 0.02 * np.exp(process.seen(1.0).log_wealth) + 0.98 * np.exp(process.seen(0.0).log_wealth)
    assert mean == pytest.approx(1.0)


def test_a_stored_state_of_other_bets_is_refused() -> None:
    """It cannot be gone on with."""
    state = EvidenceProcess(0.02).to_json() | {"log_wealths": [0.0]}
    with pytest.raises(ValueError, match="1 bets were kept"):
        EvidenceProcess.from_json(state)


def test_limits_follow_from_the_rate_of_false_alarms() -> None:
    """Half of it for either process, the restarting one over the horizon."""
    alarm = Alarm(false_alarm_rate=0.05)
    assert np.exp(alarm.log_wealth_limit) == pytest.approx(40.0)
    assert np.exp(alarm.log_change_limit) == pytest.approx(400_000.0)
