"""Why answers cannot be collected."""

from __future__ import annotations


class CollectError(Exception):
    """The prompts, the answers kept so far or the grader cannot be used: names the place, and what to do."""


class TierDown(Exception):
    """A tier to be collected from is not there; says which, and that asking again may help."""
