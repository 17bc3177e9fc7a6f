"""Axes and charts over time: round ticks, gaps where nothing was measured, areas that add up."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.ui.charts.axis import from_zero
from router.ui.charts.time import Series, lines, stacked


@given(st.floats(1e-9, 1e9))
def test_an_axis_reaches_above_all_values_by_round_steps(highest: float) -> None:
    """With a handful of ticks, from 0."""
    axis = from_zero(highest, 200.0, 0.0)
    ticks = axis.ticks()
    assert ticks[0] == 0.0
    assert axis.high >= highest * (1 - 1e-9)
    assert 2 <= len(ticks) <= 6
    step = ticks[1] / 10 ** math.floor(math.log10(ticks[1]) + 1e-9)
    assert any(step == pytest.approx(nice) for nice in (1, 2, 5, 10))


def test_nothing_has_an_axis_too() -> None:
    """From 0 to 1."""
    assert from_zero(0.0, 100.0, 0.0).high == 1.0


def test_a_line_breaks_where_nothing_was_measured() -> None:
    """It does not pretend to know what lies between."""
    chart = lines([Series("p50", 0, (1.0, 2.0, None, 3.0))], 60.0, 400.0, 200.0)
    assert chart.drawn[0].path.count("M") == 2


def test_areas_stand_on_one_another() -> None:
    """The second begins where the first one ends; one without any value is not drawn."""
    rows = [Series("a", 0, (1.0, 1.0)), Series("b", 1, (2.0, 0.0)), Series("c", 2, (0.0, 0.0))]
    chart = stacked(rows, 60.0, 400.0, 200.0)
    assert [one.name for one in chart.drawn] == ["a", "b"]
    top_of_a = chart.drawn[0].path.split(" L")[0].removeprefix("M")
    assert chart.drawn[1].path.endswith(f"{top_of_a} Z")


def test_no_series_is_an_empty_chart() -> None:
    """Axes alone."""
    assert stacked([], 60.0, 400.0, 200.0).drawn == ()
