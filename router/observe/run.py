"""One request that has ended, with all that those who tell of it need."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from router.events import AttemptReport, EnergyUse
from router.journal import JournalEntry


@dataclass(frozen=True, slots=True)
class Run:
    """A request, answered or not.

    ``attempts`` are all that were made, with their energy; ``attempt_began_s`` says when each began, and all
    times are seconds since 1970 on a clock that never jumps. ``parent_span_id`` is who caused it, "" where
    nobody is known.
    """

    entry: JournalEntry
    attempts: tuple[AttemptReport, ...]
    energy: EnergyUse | None
    began_s: float
    ended_s: float
    attempt_began_s: tuple[float, ...]
    parent_span_id: str = ""

    @property
    def latency_s(self) -> float:
        """From the request's arrival to its end."""
        return self.ended_s - self.began_s

    @property
    def upstream_s(self) -> float:
        """The part of it that tiers and probes took, waiting for their door included."""
        return sum(
            report.latency_s + sum(probe.latency_s for probe in report.probes) for report in self.attempts
        )

    @property
    def overhead_s(self) -> float:
        """What is left, which is ours."""
        return max(0.0, self.latency_s - self.upstream_s)

    @property
    def outcome(self) -> str:
        """``OK``, or the stable word that the caller got."""
        return self.entry.error_reason or "OK"

    @property
    def policy(self) -> str:
        """The policy that decided; "" where none did."""
        return "" if self.entry.decided is None else self.entry.decided.policy


RunListener: TypeAlias = Callable[[Run], None]
"""Hears of every run. Must neither wait nor raise."""
