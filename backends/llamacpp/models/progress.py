"""How long work tells how far it is."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int], object]
"""Hears what is being done, how far it is, and how far it goes (0: not known), in one unit."""


def silent(what: str, done: int, total: int) -> None:
    """Tell nobody."""
