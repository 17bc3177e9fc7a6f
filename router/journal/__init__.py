"""The journal: every decision, its grounds and its cost, and the feedback that joins it later."""

from router.journal.audit import Audit
from router.journal.base import Journal, NullJournal
from router.journal.entry import JournalEntry
from router.journal.errors import JournalError
from router.journal.read import read_journal
from router.journal.record import Feedback, Record
from router.journal.retention import Pruned, Retention
from router.journal.writer import JournalCounts, SqliteJournal

__all__ = [
    "Audit",
    "Feedback",
    "Journal",
    "JournalCounts",
    "JournalEntry",
    "JournalError",
    "NullJournal",
    "Pruned",
    "Record",
    "Retention",
    "SqliteJournal",
    "read_journal",
]
