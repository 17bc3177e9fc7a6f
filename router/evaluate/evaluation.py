"""All figures of one evaluation, and their one JSON form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from policies.bootstrap import Figure


@dataclass(frozen=True, slots=True)
class TierFigures:
    """One tier alone, and how well its answers are told right from wrong.

    By moment (see ``signs``): ``auroc_right`` and ``auroc_harm`` for the tiers below the top; what
    is served as confidence in ``aurc``, ``ece`` and ``brier``.
    """

    quality: Figure
    cost: Figure
    auroc_right: Mapping[str, Figure]
    auroc_harm: Mapping[str, Figure]
    aurc: Figure
    ece: Figure
    brier: Figure


@dataclass(frozen=True, slots=True)
class MatchFigures:
    """Where the knob was set, on other records, to lose at most so much against the top tier.

    ``cost_share`` is the cost over the top tier's, ``quality_change`` the quality less its.
    """

    cost_share: Figure
    quality_change: Figure


@dataclass(frozen=True, slots=True)
class PolicyFigures:
    """One policy: area under its curve, and that area less the hull's.

    ``curve`` is (cost, quality) by setting; ``match_top`` by the loss allowed.
    """

    area: Figure
    area_over_hull: Figure
    match_top: Mapping[float, MatchFigures]
    curve: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class EscalationFigures:
    """The cheapest tier against the top, by moment: who should be sent up first."""

    apgr: Figure
    cpt_50: Figure
    cpt_80: Figure


@dataclass(frozen=True, slots=True)
class CertifiedFigures:
    """What a certificate for ``max_loss`` would save on labels that certify.

    ``saving`` is the share of the top tier's cost, ``loss`` the mean net loss on those labels; both
    None where nothing is certified, and ``labels_needed`` says how many more might do.
    """

    max_loss: float
    label_count: int
    saving: float | None
    loss: float | None
    labels_needed: int | None


@dataclass(frozen=True, slots=True)
class Times:
    """Time of a decision in microseconds, on this machine as busy as it was."""

    p50_us: float
    p99_us: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The answer: ``record_count`` records judged; figures by tier, policy and moment.

    Moments and policies that cannot be had on these records are absent.
    """

    record_count: int
    group_count: int
    dropped_count: int
    seed: int
    tiers: Mapping[str, TierFigures]
    hull_area: Figure
    escalation: Mapping[str, EscalationFigures]
    policies: Mapping[str, PolicyFigures]
    certified: tuple[CertifiedFigures, ...]
    decision_time: Mapping[str, Times]

    def to_json(self) -> dict[str, Any]:
        """As plain values; every figure is {"value", "interval": [low, high]}, null if not measurable."""
        plain: dict[str, Any] = _plain(self)
        return plain


def _plain(value: Any) -> Any:
    if isinstance(value, Figure):
        return value.to_json()
    if isinstance(value, CertifiedFigures | Times):
        return asdict(value)
    if hasattr(value, "__dataclass_fields__"):
        return {name: _plain(getattr(value, name)) for name in value.__dataclass_fields__}
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, tuple) else value
