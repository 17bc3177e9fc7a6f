"""Charts of quality: cost against quality, and how true confidence was."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import floor

from router.ui.charts.axis import Axis, from_zero
from router.ui.quality import Bin, Quality, Spot

LEFT, RIGHT, TOP, BOTTOM = 48.0, 16.0, 14.0, 40.0
# Of labels in 12 pixels, in the widest of the fonts that the pages name.
_LETTER_WIDTH, _LINE_HEIGHT = 7.4, 15.0


@dataclass(frozen=True, slots=True)
class Mark:
    """A spot at its pixels. ``kind`` is ``tier``, ``observed`` or ``confident``; ``low_y`` None: no interval.

    ``ends`` says on which side of the mark its label stands: ``start`` right of it, ``end`` left.
    """

    spot: Spot
    kind: str
    x: float
    y: float
    low_y: float | None
    high_y: float | None
    ends: str
    label_y: float


@dataclass(frozen=True, slots=True)
class CurveChart:
    """Cost in US dollars along x, quality along y."""

    width: float
    height: float
    x: Axis
    y: Axis
    path: str
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class Bar:
    """A bin of the reliability diagram: its column, and the mark of what it came to."""

    bin: Bin
    x: float
    width: float
    height: float
    mark_x: float
    mark_y: float


@dataclass(frozen=True, slots=True)
class ReliabilityChart:
    """Confidence along x, scores along y; columns below say how many answers there are."""

    width: float
    height: float
    x: Axis
    y: Axis
    floor_y: float
    bars: tuple[Bar, ...]


def curve_chart(found: Quality, width: float, height: float) -> CurveChart:
    """Draw what there is of ``found``."""
    kinds = [("tier", found.tiers), ("confident", found.confident), ("observed", found.observed)]
    spots = [spot for _, some in kinds for spot in some] + list(found.curve)
    x = from_zero(max((spot.cost_usd for spot in spots), default=0.0), LEFT, width - RIGHT, 4)
    lowest = min((spot.quality if spot.low is None else spot.low for spot in spots), default=0.0)
    y = Axis(max(0.0, floor(min(lowest, 0.8) * 10) / 10), 1.0, height - BOTTOM, TOP)
    path = " L".join(f"{x.at(spot.cost_usd)},{y.at(spot.quality)}" for spot in found.curve)
    marks = [_mark(kind, spot, x, y) for kind, some in kinds for spot in some]
    return CurveChart(width, height, x, y, f"M{path}" if path else "", tuple(_apart(marks)))


def reliability_chart(found: Quality, width: float, height: float) -> ReliabilityChart:
    """Draw the bins of ``found``."""
    strip = 54.0
    x = Axis(0.0, 1.0, LEFT, width - RIGHT)
    y = Axis(0.0, 1.0, height - BOTTOM - strip, TOP)
    most = max((one.count for one in found.bins), default=0) or 1
    bars = tuple(_bar(one, x, y, strip - 28.0, most) for one in found.bins)
    return ReliabilityChart(width, height, x, y, height - BOTTOM, bars)


def _mark(kind: str, spot: Spot, x: Axis, y: Axis) -> Mark:
    at_x, at_y = x.at(spot.cost_usd), y.at(spot.quality)
    low = None if spot.low is None else y.at(spot.low)
    high = None if spot.high is None else y.at(spot.high)
    ends = "end" if at_x + _label_width(kind, spot) > x.end else "start"
    return Mark(spot, kind, at_x, at_y, low, high, ends, at_y + 4.0)


def _label_width(kind: str, spot: Spot) -> float:
    """About how wide a mark's label is, the gap to its mark included."""
    return 10.0 + _LETTER_WIDTH * (len(spot.name) + (6 if kind == "tier" else 0))


def _apart(marks: list[Mark]) -> list[Mark]:
    """Move labels that would lie upon each other apart, from the top down."""
    placed: list[Mark] = []
    for mark in sorted(marks, key=lambda one: one.y):
        left, right = _reach(mark)
        label_y = mark.label_y
        for other in placed:
            other_left, other_right = _reach(other)
            overlaps = left < other_right and other_left < right
            if overlaps and abs(other.label_y - label_y) < _LINE_HEIGHT:
                label_y = other.label_y + _LINE_HEIGHT
        placed.append(replace(mark, label_y=round(label_y, 1)))
    return placed


def _reach(mark: Mark) -> tuple[float, float]:
    width = _label_width(mark.kind, mark.spot)
    return (mark.x, mark.x + width) if mark.ends == "start" else (mark.x - width, mark.x)


def _bar(one: Bin, x: Axis, y: Axis, most_height: float, most: int) -> Bar:
    left, right = x.at(one.low), x.at(one.high)
    return Bar(
        bin=one,
        x=left + 1.0,
        width=round(right - left - 2.0, 1),
        height=round(most_height * one.count / most, 1),
        mark_x=x.at(one.confidence or 0.0),
        mark_y=y.at(one.score or 0.0),
    )
