"""Arms: a tier asked n times, whose answer is the one that most samples agree with.

An arm is a candidate of its own, with a name, a predicted quality and an n-fold cost; policies treat
it as they treat a tier. Decides what arms are called and when one makes another pointless.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from policies.samples import MAX_SAMPLE_COUNT

_MARK = "@"
"""No tier's own name has it."""


class Arm(BaseModel):
    """A tier, asked ``samples`` times at once."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    tier: str = Field(description="Name of the tier, which must be on the policy's ladder.")
    samples: int = Field(
        ge=2,
        le=MAX_SAMPLE_COUNT,
        description="How often it is asked; the answer that most agree with is the arm's.",
    )
    temperature: float = Field(
        0.7,
        gt=0.0,
        le=2.0,
        description="Temperature of all samples but the first, which is drawn as the request asks.",
    )

    @property
    def name(self) -> str:
        """What decisions, results and records call it: ``edge@3``."""
        return f"{self.tier}{_MARK}{self.samples}"


Arms = Annotated[
    tuple[Arm, ...],
    Field(
        (),
        max_length=4,
        description="Tiers asked several times, as candidates beside the tiers of the ladder: "
        "`{tier: edge, samples: 3}`. Fit `learnt` on records with samples, or none is ever worth its cost.",
    ),
]


def is_arm(name: str) -> bool:
    """Whether ``name`` is an arm's and not a tier's."""
    return _MARK in name


def tier_of(name: str) -> str:
    """Name of the tier that the arm or tier ``name`` asks."""
    return name.partition(_MARK)[0]


def sample_count_of(name: str) -> int:
    """How often the arm ``name`` asks its tier; 1 for a tier's own name."""
    return int(name.partition(_MARK)[2] or 1)


def is_pointless(name: str, tried: Collection[str]) -> bool:
    """Whether asking ``name`` is vain once ``tried`` were: its tier was asked as often, or oftener."""
    return bool(tried) and any(
        tier_of(other) == tier_of(name) and sample_count_of(other) >= sample_count_of(name) for other in tried
    )
