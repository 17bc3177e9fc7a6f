"""Charts over the last minutes: areas that add up, and lines with gaps where nothing was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from router.ui.charts.axis import Axis, from_zero

LEFT, RIGHT, TOP, BOTTOM = 46.0, 10.0, 10.0, 22.0


@dataclass(frozen=True, slots=True)
class Series:
    """A name, its place among the colours, and a value a step; None: nothing was measured."""

    name: str
    colour: int
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A series as an SVG path."""

    name: str
    colour: int
    path: str


@dataclass(frozen=True, slots=True)
class TimeChart:
    """A chart of ``width`` by ``height`` pixels; ``steps_s`` are the seconds before now of its x ticks."""

    width: float
    height: float
    x: Axis
    y: Axis
    drawn: tuple[Drawn, ...]
    ticks_s: tuple[float, ...]


def stacked(series: Sequence[Series], span_s: float, width: float, height: float) -> TimeChart:
    """Areas on top of one another, the first one lowest."""
    columns = list(zip(*(one.values for one in series), strict=True))
    highest = max((sum(value or 0.0 for value in column) for column in columns), default=0.0)
    x, y, ticks = _axes(span_s, highest, width, height)
    count = len(columns)
    below = [0.0] * count
    drawn = []
    for one in series:
        above = [base + (value or 0.0) for base, value in zip(below, one.values, strict=True)]
        top = [_point(x, y, place, count, span_s, value) for place, value in enumerate(above)]
        bottom = [_point(x, y, place, count, span_s, value) for place, value in enumerate(below)]
        if any(one.values):
            drawn.append(Drawn(one.name, one.colour, f"M{' L'.join(top)} L{' L'.join(reversed(bottom))} Z"))
        below = above
    return TimeChart(width, height, x, y, tuple(drawn), ticks)


def lines(series: Sequence[Series], span_s: float, width: float, height: float) -> TimeChart:
    """Lines, broken where there is no value; a value alone is a dot."""
    highest = max((value or 0.0 for one in series for value in one.values), default=0.0)
    x, y, ticks = _axes(span_s, highest, width, height)
    drawn = []
    for one in series:
        path, is_open = [], False
        for place, value in enumerate(one.values):
            if value is None:
                is_open = False
                continue
            point = _point(x, y, place, len(one.values), span_s, value)
            path.append(f"L{point}" if is_open else f"M{point} h0.1")
            is_open = True
        drawn.append(Drawn(one.name, one.colour, " ".join(path)))
    return TimeChart(width, height, x, y, tuple(drawn), ticks)


def _axes(span_s: float, highest: float, width: float, height: float) -> tuple[Axis, Axis, tuple[float, ...]]:
    x = Axis(-span_s, 0.0, LEFT, width - RIGHT)
    y = from_zero(highest, height - BOTTOM, TOP)
    parts = 3 if width < 420 else 5
    return x, y, tuple(span_s * part / parts for part in range(parts + 1))


def _point(x: Axis, y: Axis, place: int, count: int, span_s: float, value: float) -> str:
    before_s = -span_s * (1 - (place + 1) / count) if count else 0.0
    return f"{x.at(before_s)},{y.at(value)}"
