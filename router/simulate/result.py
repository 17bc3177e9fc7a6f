"""What a simulation found: two policies side by side, and what of it the record can support."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from policies.bootstrap import Figure


class Measure(StrEnum):
    """What answers are judged by."""

    LOSS = "loss"
    """Quality of the top tier's answer less that of the one given, in [-1, 1]."""
    QUALITY = "quality"
    """Quality of the one given, in [0, 1]."""


@dataclass(frozen=True, slots=True)
class Side:
    """One policy.

    ``cost_usd`` is of a mean request; ``cost_share`` of always asking the top tier. ``outcome`` is the
    measure, without a value where the record cannot support one. ``answered`` and ``ran`` are shares of
    requests by tier. ``estimates`` are the outcome by each method.
    """

    name: str
    cost_usd: Figure
    cost_share: Figure
    outcome: Figure
    answered: Mapping[str, float]
    ran: Mapping[str, float]
    estimates: Mapping[str, Figure] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "name": self.name,
            "cost_usd": self.cost_usd.to_json(),
            "cost_share": self.cost_share.to_json(),
            "outcome": self.outcome.to_json(),
            "answered_by": dict(self.answered),
            "ran": dict(self.ran),
            "estimates": {name: found.to_json() for name, found in self.estimates.items()},
        }


@dataclass(frozen=True, slots=True)
class Support:
    """How far a log bears out what is said of the new policy.

    ``label_count`` observed outcomes of requests whose outcome was uncertain, worth
    ``effective_sample_size`` in all. ``unseen`` by tier: share of requests that the new policy would
    have answered by it, or asked it, where the log could never have shown the outcome.
    ``labels_needed``: further ones for an interval of one point to either side.
    """

    label_count: int
    effective_sample_size: float
    unseen: Mapping[str, float]
    labels_needed: int

    @property
    def unseen_share(self) -> float:
        """Share of requests of which the log cannot show the outcome."""
        return sum(self.unseen.values())

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "label_count": self.label_count,
            "effective_sample_size": self.effective_sample_size,
            "unseen_share": self.unseen_share,
            "unseen": dict(self.unseen),
            "labels_needed_for_a_point": self.labels_needed,
        }


@dataclass(frozen=True, slots=True)
class Simulation:
    """Old against new on ``request_count`` requests.

    ``cost_change`` is the new cost over the old, less 1; ``outcome_change`` the new outcome less the old.
    ``refusals`` say what the record lacks, each with what would help: where there is one, the outcome of
    the new policy is not known. ``tiers`` by name: cost and outcome of always asking it, where all ran.
    """

    source: str
    measure: Measure
    request_count: int
    top_tier: str
    old: Side
    new: Side
    cost_change: Figure
    outcome_change: Figure
    tiers: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    support: Support | None = None
    refusals: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As one JSON object."""
        return {
            "source": self.source,
            "measure": self.measure.value,
            "request_count": self.request_count,
            "top_tier": self.top_tier,
            "supported": not self.refusals,
            "refusals": list(self.refusals),
            "old": self.old.to_json(),
            "new": self.new.to_json(),
            "cost_change": self.cost_change.to_json(),
            "outcome_change": self.outcome_change.to_json(),
            "tiers": {
                tier: {"cost_usd": cost, "outcome": outcome} for tier, (cost, outcome) in self.tiers.items()
            },
            "support": None if self.support is None else self.support.to_json(),
            "notes": list(self.notes),
        }
