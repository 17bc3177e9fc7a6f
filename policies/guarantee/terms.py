"""What is promised: how much may be lost, how surely, and what counts as a loss."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Test(StrEnum):
    """What is bounded, and by which test."""

    __test__ = False  # its name is no invitation to pytest

    NET = "net"
    """Mean of the top tier's quality less the served one, grades being right or wrong: score test."""
    HARM = "harm"
    """Share of requests that the top tier would have answered better: exact binomial test. It holds
    under any further escalation too."""
    GRADED = "graded"
    """The same mean for grades in [0, 1]: a test by betting."""


@dataclass(frozen=True, slots=True)
class Terms:
    """``max_loss`` in (0, 1): the loss bounded; ``confidence`` in (0, 1) that the bound holds."""

    max_loss: float
    confidence: float = 0.95
    test: Test = Test.NET

    @property
    def error_rate(self) -> float:
        """Probability that is allowed to a certificate that should not have been given."""
        return 1.0 - self.confidence
