"""The seam between a reading and what speaks for or against it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from router.documents.element import Element, Page, Reading


@dataclass(frozen=True, slots=True)
class Claim:
    """A reading to judge, and what may be known meanwhile.

    ``others`` are readings of the same element by other engines, whether or not any of them is right.
    """

    page: Page
    element: Element
    reading: Reading
    others: tuple[Reading, ...] = ()


@runtime_checkable
class Verifier(Protocol):
    """Judges readings of the elements that it knows.

    Built as ``Class()``. ``measure`` is pure and fast; it gives scores in [0, 1] by name, higher is better,
    and leaves out what it cannot tell: silence is not suspicion. A score whose name is in
    :data:`router.documents.verify.registry.PROOFS` proves the reading wrong where it is 0.
    """

    def measure(self, claim: Claim) -> Mapping[str, float]:
        """Score a reading."""
        ...
