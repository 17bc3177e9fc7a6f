"""How figures are written for people: with their unit, and no more digits than they bear."""

from __future__ import annotations

from datetime import UTC, datetime
from math import floor, log10

NOTHING = "–"


def usd(value: float | None) -> str:
    """Write US dollars: cents from a dollar up, else up to three significant digits."""
    if value is None:
        return NOTHING
    size = abs(value)
    if size == 0.0:
        return "$0"
    sign = "-" if value < 0 else ""
    if size >= 1.0:
        return f"{sign}${size:,.2f}"
    digits = min(9, 2 - floor(log10(size)))
    whole, _, cents = f"{size:.{digits}f}".partition(".")
    return f"{sign}${whole}.{cents.rstrip('0').ljust(2, '0')}"


def usd_micros(value: float | None) -> str:
    """Write millionths of a US dollar as dollars."""
    return usd(None if value is None else value / 1e6)


def percent(value: float | None, digits: int = 1) -> str:
    """Write a share of 1."""
    return NOTHING if value is None else f"{100 * value:.{digits}f} %"


def duration(seconds: float | None) -> str:
    """Write a time with a unit that fits it."""
    if seconds is None:
        return NOTHING
    if seconds < 0.0095:
        return f"{1000 * seconds:.1f} ms"
    if seconds < 0.9995:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 99.5:
        return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"
    minutes, hours = seconds / 60, seconds / 3600
    if minutes < 99.5:
        return f"{minutes:.0f} min"
    return f"{hours:.0f} h" if hours < 48 else f"{hours / 24:.0f} days"


def count(value: float | None) -> str:
    """Write a number of things."""
    return NOTHING if value is None else f"{value:,.0f}"


def rate(value: float) -> str:
    """Write a number a second."""
    return (
        f"{value:,.0f}" if value >= 99.5 else f"{value:.1f}" if value >= 0.95 or not value else f"{value:.2f}"
    )


def number(value: float | None, digits: int = 2) -> str:
    """Write a plain number."""
    return NOTHING if value is None else f"{value:.{digits}f}"


def signal(value: float) -> str:
    """Write a figure of any size by three significant digits."""
    return f"{value + 0.0:.3g}"


def moment(seconds: float) -> str:
    """Write a time of day and its date, UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


def iso(seconds: float) -> str:
    """Write a time for machines."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def words(name: str) -> str:
    """Write a stable word of the code for people: ``low_confidence`` as ``low confidence``."""
    return name.replace("_", " ").lower()


FILTERS = {
    "usd": usd,
    "usd_micros": usd_micros,
    "percent": percent,
    "duration": duration,
    "count": count,
    "rate": rate,
    "number": number,
    "signal": signal,
    "moment": moment,
    "iso": iso,
    "words": words,
}
