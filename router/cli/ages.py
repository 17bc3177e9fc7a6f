"""Spans of time as people write them on the command line."""

from __future__ import annotations

import re

import typer

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


def seconds_in(text: str) -> float:
    """Seconds in a span such as 30m, 12h or 90d. Raises typer.BadParameter."""
    found = re.fullmatch(r"(\d{1,6})([smhd])", text)
    if found is None:
        raise typer.BadParameter(f"{text!r} is no time; write 30m, 12h or 90d")
    return int(found[1]) * _UNITS[found[2]]
