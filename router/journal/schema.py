"""The journal's tables and how an older file becomes a newer one.

``application_id`` says whose file it is, ``user_version`` how many of the migrations below it has
seen. A migration that was released is never edited; the next change is a new one.
"""

from __future__ import annotations

import sqlite3

from router.journal.errors import JournalError

APPLICATION_ID = 0x55705368  # "UpSh"

AUDITS_VERSION = 2
"""The first version that knows certificates and audits."""

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """
        CREATE TABLE requests (
            request_id      TEXT PRIMARY KEY,
            time_s          REAL NOT NULL,
            tenant          TEXT NOT NULL,
            tags            TEXT NOT NULL,
            policy          TEXT NOT NULL,
            features_hash   TEXT NOT NULL,
            features        TEXT NOT NULL,
            estimates       TEXT NOT NULL,
            attempts        TEXT NOT NULL,
            tier            TEXT,
            confidence      REAL,
            reason          TEXT,
            error_reason    TEXT,
            cost_usd_micros INTEGER NOT NULL,
            latency_s       REAL NOT NULL,
            messages        TEXT,
            answer          TEXT
        ) STRICT
        """,
        """
        CREATE TABLE feedback (
            request_id TEXT NOT NULL,
            source     TEXT NOT NULL,
            score      REAL NOT NULL,
            time_s     REAL NOT NULL,
            PRIMARY KEY (request_id, source)
        ) STRICT, WITHOUT ROWID
        """,
    ),
    (
        "ALTER TABLE requests ADD COLUMN certificate_id TEXT",
        """
        CREATE TABLE audits (
            request_id      TEXT PRIMARY KEY,
            certificate_id  TEXT NOT NULL,
            propensity      REAL NOT NULL,
            tier            TEXT NOT NULL,
            top_tier        TEXT NOT NULL,
            agreed          INTEGER,
            loss            REAL NOT NULL,
            grounds         TEXT NOT NULL,
            cost_usd_micros INTEGER NOT NULL,
            latency_s       REAL NOT NULL,
            time_s          REAL NOT NULL
        ) STRICT, WITHOUT ROWID
        """,
    ),
    ("ALTER TABLE audits ADD COLUMN standing TEXT",),
    (
        # What is too old is found by these.
        "CREATE INDEX IF NOT EXISTS requests_by_time ON requests (time_s)",
        "CREATE INDEX IF NOT EXISTS prompts_by_time ON requests (time_s) WHERE messages IS NOT NULL",
    ),
    ("ALTER TABLE requests ADD COLUMN tool_calls TEXT",),
)


def check(connection: sqlite3.Connection) -> int:
    """Return the file's version, 0 for an empty one. Raises JournalError for a foreign or a newer file."""
    (application_id,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (table_count,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if table_count and application_id != APPLICATION_ID:
        raise JournalError("it is an SQLite file, but no Upshift journal; name another file in journal.path")
    if version > len(MIGRATIONS):
        raise JournalError(
            f"its schema has version {version}, this program knows up to {len(MIGRATIONS)}; "
            "update Upshift, or name another file in journal.path"
        )
    return int(version)


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the file up to date in one transaction, or leave it as it was."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statements in MIGRATIONS[check(connection) :]:
            for statement in statements:
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
