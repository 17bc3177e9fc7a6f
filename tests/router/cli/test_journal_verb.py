"""``upshift journal``: what an operator does with the file of records."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from router.journal import SqliteJournal, read_journal
from tests.router.cli.conftest import Run
from tests.router.journal.test_retention import Clock, opened, written

CONFIG = """
version: 1
journal: {path: j.sqlite, store_prompts: true, prompt_retention_days: 30}
tiers: [{name: edge, backend: echo}]
policies: [{name: default, ladder: [edge], objective: {rule: threshold}}]
"""


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A configuration, and a journal with two requests of 1970."""

    async def fill() -> None:
        async with opened(tmp_path / "j.sqlite", Clock(0.0)) as journal:
            await written(journal, "r1")
            await written(journal, "r2")

    asyncio.run(fill())
    (tmp_path / "upshift.yaml").write_text(CONFIG)
    return tmp_path


def test_the_configuration_says_what_is_too_old(upshift: Run, house: Path) -> None:
    """Prompts go, records stay."""
    ended = upshift("journal", "prune", "-c", str(house / "upshift.yaml"), "--json")
    assert (ended.code, ended.json["prompt_count"], ended.json["record_count"]) == (0, 2, 0)
    assert [record.messages for record in read_journal(house / "j.sqlite")] == [None, None]


def test_a_dry_run_only_counts(upshift: Run, house: Path) -> None:
    """And says that it would."""
    words = ("journal", "prune", "-f", str(house / "j.sqlite"), "--older-than", "1d", "--dry-run")
    assert "would delete 2 records" in upshift(*words).out
    assert len(list(read_journal(house / "j.sqlite"))) == 2
    assert "deleted 2 records" in upshift(*words[:-1]).out
    assert not list(read_journal(house / "j.sqlite"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("-f", "nothing.sqlite", "--older-than", "1d"), "there is no such journal"),
        (("-f", "{house}/j.sqlite", "--older-than", "soon"), "write 30m, 12h or 90d"),
        (("-f", "{house}/upshift.yaml", "--older-than", "1d"), "cannot be used"),
    ],
)
def test_what_is_wrong_is_said(upshift: Run, house: Path, words: tuple[str, ...], said: str) -> None:
    """With a way out, and nothing is deleted."""
    ended = upshift("journal", "prune", *(word.format(house=house) for word in words))
    assert ended.code != 0
    assert said in ended.err


async def test_a_journal_in_use_is_left_alone(upshift: Run, house: Path) -> None:
    """The server that writes to it prunes by itself."""
    journal = SqliteJournal(house / "j.sqlite")
    await journal.start()
    ended = upshift("journal", "prune", "-f", str(house / "j.sqlite"), "--older-than", "1d")
    await journal.close()
    assert ended.code == 3
    assert "a server that runs prunes its own journal" in ended.err
