"""The tables of the ledger's SQLite file, and how an older file becomes a newer one.

``application_id`` says whose file it is, ``user_version`` how many of the migrations below it has
seen. A migration that was released is never edited; the next change is a new one.
"""

from __future__ import annotations

import sqlite3

from router.ledger.base import LedgerUnfit

APPLICATION_ID = 0x55704C64  # "UpLd"

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """
        CREATE TABLE books (
            book TEXT PRIMARY KEY,
            day  TEXT NOT NULL
        ) STRICT, WITHOUT ROWID
        """,
        """
        CREATE TABLE claims (
            tenant           TEXT NOT NULL,
            book             TEXT NOT NULL REFERENCES books (book),
            held_usd_micros  INTEGER NOT NULL,
            spent_usd_micros INTEGER NOT NULL,
            PRIMARY KEY (tenant, book)
        ) STRICT, WITHOUT ROWID
        """,
        "CREATE INDEX claims_by_book ON claims (book)",
        """
        CREATE TABLE spending (
            tenant     TEXT NOT NULL,
            day        TEXT NOT NULL,
            usd_micros INTEGER NOT NULL,
            PRIMARY KEY (tenant, day)
        ) STRICT, WITHOUT ROWID
        """,
    ),
    (
        "ALTER TABLE books ADD COLUMN heard_s INTEGER NOT NULL DEFAULT 0",
        "UPDATE books SET heard_s = unixepoch()",
    ),
)


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the file up to date in one transaction. Raises LedgerUnfit for a foreign or a newer file."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = _version(connection)
        if version < len(MIGRATIONS):
            for statements in MIGRATIONS[version:]:
                for statement in statements:
                    connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _version(connection: sqlite3.Connection) -> int:
    (application_id,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (table_count,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if table_count and application_id != APPLICATION_ID:
        raise LedgerUnfit("it is an SQLite file, but no Upshift ledger; name another file in ledger.path")
    if version > len(MIGRATIONS):
        raise LedgerUnfit(
            f"its schema has version {version}, this program knows up to {len(MIGRATIONS)}; update Upshift"
        )
    return int(version)
