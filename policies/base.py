"""The nouns of a decision, and the seam that every policy fills.

Decides what a policy may know and what it may answer. Refuses to know how tiers run, what time
it is, and who enforces the limits: that is the loop's work.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Candidate:
    """A tier that may still be tried on this request.

    ``quality``: predicted probability in [0, 1] that its answer is acceptable;
    ``cost_usd_micros``: predicted cost of one attempt, with what waiting and energy cost by the
    policy's weights.
    """

    tier: str
    quality: float
    cost_usd_micros: float


@dataclass(frozen=True, slots=True)
class Answered:
    """An attempt that gave a complete answer.

    ``quality`` is what was predicted of the tier before it ran; ``confidence`` the calibrated
    probability in [0, 1] that this answer is acceptable, None where no signal could be had.
    ``failed_validation``: a validator proved the answer wrong, whatever the confidence.
    ``agreements`` in [0, 1] by tier that answered before: how far the two answers say the same;
    absent where that cannot be told.
    """

    tier: str
    quality: float
    confidence: float | None
    failed_validation: bool = False
    agreements: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class State:
    """All that a policy may know of a request.

    ``candidates`` can be tried now: allowed, not yet tried, able to take the prompt, and within
    what is left of money, attempts and time; cheapest first. ``answered`` are in order of time.
    ``min_confidence`` is the caller's; None leaves it to the policy. ``draw`` is a number in
    [0, 1) derived from the request, for policies that mix tiers at random. ``ladder`` names all
    the policy's tiers, cheapest first, whether or not they can be tried; empty: not told.
    ``stopped`` are attempts that were given up while they wrote, with the confidence that was
    expected of them; none of them can be accepted. ``shadow_price`` is the quality, of 1, that a US
    dollar must gain for the policy's budget to last; None: the policy's own. ``conversation_tier`` answered
    earlier in the same conversation, which starts there and does not go below while anything else is left;
    None: it is free.
    """

    candidates: tuple[Candidate, ...]
    answered: tuple[Answered, ...] = ()
    min_confidence: float | None = None
    draw: float = 0.0
    features: Mapping[str, float] = field(default_factory=dict)
    ladder: tuple[str, ...] = ()
    stopped: tuple[Answered, ...] = ()
    shadow_price: float | None = None
    conversation_tier: str | None = None


@dataclass(frozen=True, slots=True)
class Try:
    """Run the candidate ``tier``. ``reason`` is a stable word."""

    tier: str
    reason: str


@dataclass(frozen=True, slots=True)
class Accept:
    """Give the answer ``answered[index]`` to the caller. ``reason`` is a stable word."""

    index: int
    reason: str


@dataclass(frozen=True, slots=True)
class Stop:
    """Give up: nothing was answered and nothing can be tried. ``reason`` is a stable word."""

    reason: str


Verdict = Try | Accept | Stop


class Policy(Protocol):
    """Which tier to try next, or which answer to accept.

    ``decide`` is pure: equal states give equal verdicts. It is asked again after every attempt,
    answered or failed; it names only tiers of ``state.candidates`` and indices of
    ``state.answered``. With no candidate left it accepts the best answer, or stops.
    """

    def decide(self, state: State) -> Verdict:
        """Decide what comes next."""
        ...
