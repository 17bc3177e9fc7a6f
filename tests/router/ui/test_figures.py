"""Figures for people: units, and no more digits than they bear."""

from __future__ import annotations

import pytest

from router.ui import figures


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "–"),
        (0.0, "$0"),
        (1234.5, "$1,234.50"),
        (0.5, "$0.50"),
        (0.000_074_4, "$0.0000744"),
        (1e-6, "$0.000001"),
    ],
)
def test_money(value: float | None, said: str) -> None:
    """Cents from a dollar up, else up to three significant digits."""
    assert figures.usd(value) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (None, "–"),
        (0.00123, "1.2 ms"),
        (0.0123, "12 ms"),
        (0.9996, "1.0 s"),
        (9.94, "9.9 s"),
        (61.0, "61 s"),
        (300.0, "5 min"),
        (7200.0, "2 h"),
        (1e6, "12 days"),
    ],
)
def test_times(seconds: float | None, said: str) -> None:
    """In the unit that fits."""
    assert figures.duration(seconds) == said


def test_shares_and_words() -> None:
    """Per cent with its sign, stable words with spaces."""
    assert figures.percent(0.1234) == "12.3 %"
    assert figures.words("low_confidence") == "low confidence"
    assert figures.signal(-0.0) == "0"
    assert figures.signal(-0.00612345) == "-0.00612"
