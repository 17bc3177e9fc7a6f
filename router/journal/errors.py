"""Why a journal cannot be opened. Once it is open, trouble is counted and logged, never raised."""

from __future__ import annotations


class JournalError(Exception):
    """The file is no journal, is newer than this program, or cannot be opened."""
