"""Graded answers from whatever file holds them: JSON lines or a journal, told by its first bytes."""

from __future__ import annotations

from pathlib import Path

from policies.outcomes import OutcomeRecord
from router.outcomes.from_journal import outcomes_of_journal
from router.outcomes.read import read_outcomes

_SQLITE_MAGIC = b"SQLite format 3\0"


def load_outcomes(path: Path) -> list[OutcomeRecord]:
    """Read the records of ``path``.

    Raises OutcomesError or JournalError where it cannot be used, OSError where it cannot be read.
    """
    with path.open("rb") as file:
        is_journal = file.read(len(_SQLITE_MAGIC)) == _SQLITE_MAGIC
    return outcomes_of_journal(path) if is_journal else read_outcomes(path)
