"""Graded answers in files: read, written, and taken from the journal."""

from router.outcomes.errors import OutcomesError
from router.outcomes.from_journal import outcomes_of_journal
from router.outcomes.load import load_outcomes
from router.outcomes.read import read_outcomes
from router.outcomes.write import write_outcomes

__all__ = ["OutcomesError", "load_outcomes", "outcomes_of_journal", "read_outcomes", "write_outcomes"]
