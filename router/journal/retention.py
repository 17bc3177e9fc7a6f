"""How long a journal keeps what it was told, and the pieces in which it forgets.

Decides what is too old. Refuses to know when anybody looks.
"""

from __future__ import annotations

import math
import sqlite3
from dataclasses import dataclass

_DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Retention:
    """Seconds that prompts and answers, and whole records, are kept; None: for ever."""

    prompts_s: float | None = None
    records_s: float | None = None

    @classmethod
    def of_days(cls, prompts: float | None, records: float | None) -> Retention:
        """The same in days."""
        return cls(
            None if prompts is None else prompts * _DAY_S, None if records is None else records * _DAY_S
        )

    @property
    def is_limited(self) -> bool:
        """Whether anything is ever forgotten."""
        return self.prompts_s is not None or self.records_s is not None

    def first_kept_s(self, now_s: float) -> float:
        """When the oldest record that is still kept may have ended."""
        return -math.inf if self.records_s is None else now_s - self.records_s


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was forgotten: texts of so many requests, and so many records with all that belongs to them."""

    prompt_count: int = 0
    record_count: int = 0

    def __add__(self, other: Pruned) -> Pruned:
        return Pruned(self.prompt_count + other.prompt_count, self.record_count + other.record_count)

    @property
    def is_nothing(self) -> bool:
        """Whether there was nothing to forget."""
        return self == Pruned()


# Both are found by an index on their time; the one of prompts holds only requests that have one.
_OLD_RECORDS = "SELECT request_id FROM requests WHERE time_s < ? ORDER BY time_s LIMIT ?"
_OLD_PROMPTS = (
    "UPDATE requests SET messages = NULL, answer = NULL, tool_calls = iif(tool_calls IS NULL, NULL, "
    "(SELECT json_group_array(json_object('arguments', '', 'id', '', 'name', json_extract(value, '$.name'))) "
    "FROM json_each(tool_calls))) WHERE rowid IN "
    "(SELECT rowid FROM requests WHERE messages IS NOT NULL AND time_s < ? AND time_s >= ? "
    "ORDER BY time_s LIMIT ?)"
)
_TABLES = ("requests", "feedback", "audits")


def prune(connection: sqlite3.Connection, retention: Retention, now_s: float, limit: int) -> Pruned:
    """Forget at most ``limit`` records and ``limit`` prompts, oldest first, in one transaction.

    ``connection`` has ``secure_delete`` set, so that what was there is overwritten. Raises sqlite3.Error,
    and then nothing is forgotten.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        records = _prune_records(connection, retention, now_s, limit)
        prompts = 0
        if retention.prompts_s is not None:
            span = (now_s - retention.prompts_s, retention.first_kept_s(now_s))
            prompts = connection.execute(_OLD_PROMPTS, (*span, limit)).rowcount
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return Pruned(prompts, records)


def count_old(connection: sqlite3.Connection, retention: Retention, now_s: float) -> Pruned:
    """What is too old now."""
    records = prompts = 0
    if retention.records_s is not None:
        count = "SELECT count(*) FROM requests WHERE time_s < ?"
        (records,) = connection.execute(count, (now_s - retention.records_s,)).fetchone()
    if retention.prompts_s is not None:
        count = "SELECT count(*) FROM requests WHERE messages IS NOT NULL AND time_s < ? AND time_s >= ?"
        span = (now_s - retention.prompts_s, retention.first_kept_s(now_s))
        (prompts,) = connection.execute(count, span).fetchone()
    return Pruned(prompts, records)


def _prune_records(connection: sqlite3.Connection, retention: Retention, now_s: float, limit: int) -> int:
    if retention.records_s is None:
        return 0
    old = connection.execute(_OLD_RECORDS, (now_s - retention.records_s, limit)).fetchall()
    for table in _TABLES:
        connection.executemany(f"DELETE FROM {table} WHERE request_id = ?", old)  # noqa: S608 - names are ours
    return len(old)
