"""Areas under quality against cost."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.bootstrap import Measure
from policies.curves import curve_area_of, hull_area_of
from policies.odds import Floats


def one(measure: Measure) -> float:
    return float(measure(np.ones((1, 1)))[0])


def row(*values: float) -> Floats:
    return np.array([values], dtype=np.float64)


def test_the_area_is_a_mean_quality() -> None:
    """Two tiers and nothing between: half-way between their qualities."""
    assert one(hull_area_of(row(1.0, 3.0), row(0.4, 0.8))) == pytest.approx(0.6)
    assert one(curve_area_of(row(), row(), row(1.0, 3.0), row(0.4, 0.8))) == pytest.approx(0.6)


def test_a_tier_under_the_line_does_not_bend_the_hull() -> None:
    """One above it does."""
    costs = row(0.0, 1.0, 2.0)
    assert one(hull_area_of(costs, row(0.0, 0.1, 1.0))) == pytest.approx(0.5)
    assert one(hull_area_of(costs, row(0.0, 0.9, 1.0))) == pytest.approx(0.7)


def test_settings_dearer_than_the_top_count_as_the_top() -> None:
    """Whoever pays more than the dearest tier might as well have asked it."""
    area = one(curve_area_of(row(9.0), row(1.0), row(0.0, 1.0), row(0.2, 0.8)))
    assert area == pytest.approx(0.5)


def test_a_better_setting_raises_the_area() -> None:
    """A point half-way in cost and at the top's quality: two trapezoids."""
    area = one(curve_area_of(row(0.5), row(0.8), row(0.0, 1.0), row(0.2, 0.8)))
    assert area == pytest.approx(0.65)


@given(
    st.lists(
        st.tuples(st.floats(0.01, 10.0), st.floats(0.0, 1.0)),
        min_size=2,
        max_size=6,
        unique_by=lambda t: t[0],
    )
)
def test_the_hull_is_never_under_the_tiers(tiers: list[tuple[float, float]]) -> None:
    """Nor under the line through them, and never over the best of them."""
    costs, qualities = (row(*column) for column in zip(*tiers, strict=True))
    hull, line = one(hull_area_of(costs, qualities)), one(curve_area_of(costs, qualities, costs, qualities))
    assert hull >= line - 1e-9
    assert hull <= max(quality for _, quality in tiers) + 1e-9


def test_tiers_of_one_price_have_no_area() -> None:
    """There is nothing to choose by cost."""
    assert np.isnan(one(hull_area_of(row(1.0, 1.0), row(0.1, 0.9))))
