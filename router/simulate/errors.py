"""Why nothing can be simulated at all; what a log cannot support is part of a result instead."""

from __future__ import annotations


class SimulationError(Exception):
    """The record cannot be used for these policies: says what is missing."""
