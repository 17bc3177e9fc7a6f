"""The seam between an element and what reads it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from router.documents.element import Element, Page, Reading
from router.documents.parse.kind import Kind


@dataclass(frozen=True, slots=True)
class Subject:
    """An element where it stands: the file, its page (without the other elements' weight), itself.

    ``timeout_s`` is what reading it may take; None: the engine's own limit. ``max_cost_usd_micros`` is what
    is left of the document's money; None: no limit.
    """

    path: Path
    kind: Kind
    page: Page
    element: Element
    timeout_s: float | None = None
    max_cost_usd_micros: float | None = None


@runtime_checkable
class Engine(Protocol):
    """Reads elements.

    ``missing`` says what is not installed and what it would add; None: it can run. ``reads`` tells
    whether an element is for it at all. ``cost_usd_micros`` and ``seconds`` are predicted before it runs.
    ``read`` raises only EngineFailed (and cancellation), and gives equal readings for equal subjects where
    the engine allows.
    """

    @property
    def name(self) -> str:
        """What policies call it."""
        ...

    def missing(self) -> str | None:
        """Say what to install, or None."""
        ...

    def reads(self, subject: Subject) -> bool:
        """Whether it can read such an element."""
        ...

    def cost_usd_micros(self, subject: Subject) -> float:
        """Predicted cost."""
        ...

    def seconds(self, subject: Subject) -> float:
        """Predicted time."""
        ...

    async def read(self, subject: Subject) -> Reading:
        """Read it."""
        ...
