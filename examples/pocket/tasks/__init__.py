"""Desk work that can be generated without end and graded exactly: eight kinds, three levels each."""

from examples.pocket.tasks.draw import DRILL_LEVEL, DRILLED_KINDS, KINDS, LEVELS, Cell, Split, draw, split_of
from examples.pocket.tasks.grade import grade
from examples.pocket.tasks.records import json_schema
from examples.pocket.tasks.sample import Sample

__all__ = [
    "DRILLED_KINDS",
    "DRILL_LEVEL",
    "KINDS",
    "LEVELS",
    "Cell",
    "Sample",
    "Split",
    "draw",
    "grade",
    "json_schema",
    "split_of",
]
