"""Boxes on a page, in points (1/72 inch), and the corner that they are counted from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Origin(StrEnum):
    """Which corner of the page is (0, 0), under docling's names."""

    TOP_LEFT = "TOPLEFT"
    BOTTOM_LEFT = "BOTTOMLEFT"


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle; ``top`` is its upper edge as a reader sees it, whatever the origin."""

    left: float
    top: float
    right: float
    bottom: float
    origin: Origin = Origin.TOP_LEFT

    @property
    def area(self) -> float:
        """Area in square points."""
        return abs(self.right - self.left) * abs(self.bottom - self.top)

    def seen_from(self, origin: Origin, page_height: float) -> Box:
        """The same rectangle counted from ``origin``."""
        if origin is self.origin:
            return self
        return Box(self.left, page_height - self.top, self.right, page_height - self.bottom, origin)

    def overlap(self, other: Box) -> float:
        """Area that both cover; both must be counted from the same corner, the upper left one."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(width, 0.0) * max(height, 0.0)

    def grown(self, margin: float, width: float, height: float) -> Box:
        """Larger by ``margin`` on every side, within a page of ``width`` by ``height``."""
        return Box(
            max(self.left - margin, 0.0),
            max(self.top - margin, 0.0),
            min(self.right + margin, width),
            min(self.bottom + margin, height),
        )


def around(boxes: list[Box]) -> Box:
    """The smallest rectangle around ``boxes``, which must not be empty."""
    return Box(
        min(box.left for box in boxes),
        min(box.top for box in boxes),
        max(box.right for box in boxes),
        max(box.bottom for box in boxes),
        boxes[0].origin,
    )
