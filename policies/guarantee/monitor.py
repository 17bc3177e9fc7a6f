"""Whether a certificate still deserves trust: audits that cost a top answer, and agreement that is free.

A coin is tossed for every request before its fate is known. Where it falls on audit, the loss is
seen: 0 where the top tier served, else that of the kept answer against the top's. So audits are a
plain random sample of all traffic, whatever the coin's bias then was, and their mean loss is what
was certified. Pure: knows neither clock nor request; every label gives a new state.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Self

from policies.guarantee.evidence_process import EvidenceProcess


class Standing(StrEnum):
    """What may be done under a certificate."""

    CERTIFIED = "certified"
    """Serve by it."""
    SUSPECT = "suspect"
    """Serve by it, and audit four times as often: the evidence against it is half way to an alarm."""
    FALLBACK = "fallback"
    """Always ask the top tier, until a new certificate is there."""


SUSPECT_FACTOR = 4.0
"""How many times more often a suspect certificate is audited."""
HORIZON = 10_000
"""Labels over which the rate of false alarms is bounded: more than a certificate's life sees."""
AGREEMENT_MARGIN = 0.02
"""How much less often than predicted answers may agree: no prediction is exact."""
SUSPECT_AT, _CLEARED_AT = 0.5, 0.25
"""Shares of the way to an alarm, in log evidence, where suspicion starts and ends: it costs little."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """``false_alarm_rate``: probability of an alarm though all is well; ``audit_rate``: the usual share."""

    false_alarm_rate: float = 0.05
    audit_rate: float = 0.02

    @property
    def log_wealth_limit(self) -> float:
        """Half of the rate goes to the process that never forgets."""
        return math.log(2.0 / self.false_alarm_rate)

    @property
    def log_change_limit(self) -> float:
        """The other half to the one that restarts, over the horizon."""
        return math.log(2.0 * HORIZON / self.false_alarm_rate)


@dataclass(frozen=True, slots=True)
class Monitor:
    """State of one certificate's watch; immutable, see :meth:`audited` and :meth:`escalated`.

    ``paid`` bets that the loss exceeds what was certified; ``free`` that the cheap answers of
    escalated requests agree with the top's less often than was predicted of them.
    """

    certificate_id: str
    paid: EvidenceProcess
    free: EvidenceProcess
    standing: Standing = Standing.CERTIFIED
    alarm: Alarm = field(default_factory=Alarm)

    @classmethod
    def of(cls, certificate_id: str, max_loss: float, alarm: Alarm | None = None) -> Self:
        """Start the watch over a certificate that bounds the loss by ``max_loss``."""
        return cls(
            certificate_id,
            EvidenceProcess(max_loss),
            EvidenceProcess(AGREEMENT_MARGIN),
            alarm=alarm or Alarm(),
        )

    @property
    def audit_rate(self) -> float:
        """Probability in [0, 1] with which the next request is audited; 0 once all go to the top."""
        if self.standing is Standing.FALLBACK:
            return 0.0
        factor = SUSPECT_FACTOR if self.standing is Standing.SUSPECT else 1.0
        return min(1.0, factor * self.alarm.audit_rate)

    def audited(self, loss: float) -> Monitor:
        """Return the state after one audit; ``loss`` in [-1, 1], 0 where the top tier served."""
        return self._judged(replace(self, paid=self.paid.seen(loss)))

    def escalated(self, predicted_agreement: float, agreed: float) -> Monitor:
        """Return the state after one escalated request whose cheap answer can be held against the top's.

        ``predicted_agreement`` is what was predicted of it, ``agreed`` what was seen, both in [0, 1].
        This costs nothing, and can make a certificate suspect, but not void: it speaks of
        predictions, not of loss.
        """
        return self._judged(replace(self, free=self.free.seen(predicted_agreement - agreed)))

    @property
    def progress(self) -> float:
        """How far audits have come towards an alarm, from 0 to 1, in log evidence."""
        wealth = self.paid.log_peak / self.alarm.log_wealth_limit
        change = self.paid.log_change / self.alarm.log_change_limit
        return max(0.0, wealth, change)

    @property
    def doubt(self) -> float:
        """How far audits are on the way to an alarm now; unlike :attr:`progress` it forgets."""
        wealth = self.paid.log_wealth / self.alarm.log_wealth_limit
        return max(wealth, self.paid.log_change / self.alarm.log_change_limit)

    @property
    def estrangement(self) -> float:
        """The same of escalations, whose answers agree less often than predicted."""
        return self.free.log_change / self.alarm.log_change_limit

    @staticmethod
    def _judged(seen: Monitor) -> Monitor:
        """Return ``seen`` with the standing that its evidence asks for."""
        if seen.standing is Standing.FALLBACK or seen.progress >= 1.0:
            return replace(seen, standing=Standing.FALLBACK)
        doubt = max(seen.doubt, seen.estrangement)
        if doubt >= SUSPECT_AT:
            return replace(seen, standing=Standing.SUSPECT)
        if doubt <= _CLEARED_AT:
            return replace(seen, standing=Standing.CERTIFIED)
        return seen

    def to_json(self) -> dict[str, Any]:
        """Plain values that :meth:`from_json` reads back unchanged."""
        return {
            "certificate_id": self.certificate_id,
            "standing": self.standing.value,
            "paid": self.paid.to_json(),
            "free": self.free.to_json(),
        }

    @classmethod
    def from_json(cls, value: dict[str, Any], alarm: Alarm | None = None) -> Self:
        """Read what :meth:`to_json` wrote; KeyError, TypeError or ValueError on anything else."""
        return cls(
            str(value["certificate_id"]),
            EvidenceProcess.from_json(value["paid"]),
            EvidenceProcess.from_json(value["free"]),
            Standing(value["standing"]),
            alarm or Alarm(),
        )
