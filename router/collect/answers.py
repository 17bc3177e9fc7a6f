"""What is kept of a run of one tier on one prompt: an answer, or why there is none, or a grade of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, order=True)
class Slot:
    """A place for one answer: ``key`` names the prompt; ``sample`` 0 is the answer, others are further."""

    key: str
    tier: str
    sample: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a tier answered, as it would have been served, and its account."""

    text: str
    signals: Mapping[str, float] = field(default_factory=dict)
    output_token_count: int = 0
    cost_usd_micros: int = 0
    latency_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a tier gave no answer, as a stable word."""

    reason: str
