"""Cascade routing where a certificate covers it, and the top tier where none does.

As a rule of its own it always asks the top tier: that is what it falls back to. Under a
certificate it decides as :class:`CertifiedRouting`. Whether one covers a request (the time, the
fingerprints, the watch over it) is not a decision, and is kept by who serves.
"""

from __future__ import annotations

from dataclasses import replace

from pydantic import BaseModel, ConfigDict, Field

from policies.answers import settle
from policies.base import State, Stop, Try, Verdict
from policies.cascade_routing import CascadeRouting, CascadeRoutingOptions
from policies.guarantee.certificate import Setting
from policies.joint import Joint
from policies.reasons import Reason


class CertifiedOptions(BaseModel):
    """What must be certified before a cheaper tier than the top may answer."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    max_loss: float = Field(
        gt=0.0,
        lt=1.0,
        description="Most quality, of 1, that may be lost on average against always the top tier.",
    )
    confidence: float = Field(
        0.95,
        gt=0.5,
        lt=1.0,
        description="How sure that must be: 1 less the probability of a wrong certificate.",
    )
    certificate: str | None = Field(
        None,
        description="File that `upshift calibrate` wrote; unset: no certificate, so the top tier answers.",
        json_schema_extra={"format": "path"},
    )
    audit_rate: float = Field(
        0.02,
        ge=0.0,
        le=0.25,
        description="Share of requests whose answer is held against the top tier's, to watch over the "
        "certificate; four times as many while it is suspect. Needs a journal. 0: nothing is watched.",
    )
    label_wait_s: float = Field(
        0.0,
        ge=0.0,
        le=604_800.0,
        description="Seconds that an audit whose two answers differ waits for feedback on both; without it, "
        "it counts as such differences did in calibration.",
    )
    false_alarm_rate: float = Field(
        0.05,
        gt=0.0,
        lt=0.5,
        description="Probability that a certificate which holds is given up all the same.",
    )


class Certified:
    """Always asks the top tier: what holds without a certificate."""

    Options = CertifiedOptions

    def __init__(self, options: CertifiedOptions, joint: Joint | None = None) -> None:
        self.options = options
        self.joint = joint

    def decide(self, state: State) -> Verdict:
        """Try the dearest tier that can be tried, then accept what was answered."""
        if state.answered:
            return settle(state, Reason.ANSWERED)
        if not state.candidates:
            return Stop(Reason.NO_TIER_LEFT)
        top = state.candidates[-1].tier
        is_top = not state.ladder or top == state.ladder[-1]
        return Try(top, Reason.FIXED if is_top else Reason.FALL_BACK)

    def under(self, setting: Setting) -> CertifiedRouting:
        """Return the policy that was tested at ``setting``."""
        return CertifiedRouting(setting, self.joint)


class CertifiedRouting:
    """Cascade routing at a tested setting: its decisions rest on nothing that the test did not see."""

    def __init__(self, setting: Setting, joint: Joint | None = None) -> None:
        self.setting = setting
        self._costs = dict(zip(setting.ladder, setting.costs_usd_micros, strict=True))
        options = CascadeRoutingOptions(value_of_correct_usd=setting.value_of_correct_usd, min_gain=0.0)
        self._routing = CascadeRouting(options, joint)

    def decide(self, state: State) -> Verdict:
        """Decide as cascade routing does where tiers cost what they did in the test."""
        candidates = tuple(
            replace(candidate, cost_usd_micros=self._costs.get(candidate.tier, candidate.cost_usd_micros))
            for candidate in state.candidates
        )
        floors = [floor for floor in (self.setting.min_confidence, state.min_confidence) if floor is not None]
        return self._routing.decide(
            replace(state, candidates=candidates, min_confidence=max(floors, default=None))
        )
