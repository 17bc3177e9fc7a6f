"""Why graded answers cannot be used."""

from __future__ import annotations


class OutcomesError(Exception):
    """A file of outcomes is wrong: names the file, the line and the field, and what to do."""
