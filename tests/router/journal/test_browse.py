"""Looking into a journal: newest first, page by page, by what is asked for, and never for long."""

from __future__ import annotations

from pathlib import Path

import pytest

from backends.types import Usage
from router.events import AttemptReport, Outcome
from router.journal import JournalError, browse
from router.journal.browse import Wanted
from router.journal.record import Feedback, Record
from router.journal.rows import to_row
from router.journal.store import Store


def attempt(number: int, outcome: Outcome) -> AttemptReport:
    return AttemptReport(number, "edge", outcome, "confident", 0.9, {}, Usage(), 1, 0.1, 0.1)


def record(number: int, **changes: object) -> Record:
    answered = (attempt(1, Outcome.ACCEPTED),)
    values = {"policy": "default", "tier": "edge", "confidence": 0.9, "attempts": answered}
    return Record(request_id=f"r{number}", time_s=float(number), **(values | changes))  # type: ignore[arg-type]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Five requests: three plain, one that escalated, one that failed."""
    climbed = (attempt(1, Outcome.REJECTED), attempt(2, Outcome.ACCEPTED))
    records = [
        record(1),
        record(2, tenant="shop"),
        record(3, attempts=climbed, confidence=0.4),
        record(4, tier=None, confidence=None, error_reason="NO_TIER_READY", attempts=()),
        record(5, policy="other"),
    ]
    file = tmp_path / "journal.sqlite"
    store = Store(file)
    store.write([to_row(one) for one in records], [Feedback("r1", "user", 0.5, 0.0)])
    store.close()
    return file


def ids(page: browse.Page) -> list[str]:
    return [one.request_id for one in page.records]


def test_pages_follow_each_other_newest_first(path: Path) -> None:
    """Until there are no more."""
    first = browse.page(path, Wanted(), 2)
    second = browse.page(path, Wanted(), 2, first.next_row)
    third = browse.page(path, Wanted(), 2, second.next_row)
    assert [ids(first), ids(second), ids(third)] == [["r5", "r4"], ["r3", "r2"], ["r1"]]
    assert third.next_row is None


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Wanted(tier="edge", policy="default"), ["r3", "r2", "r1"]),
        (Wanted(tenant="shop"), ["r2"]),
        (Wanted(ending="escalated"), ["r3"]),
        (Wanted(ending="failed"), ["r4"]),
        (Wanted(ending="NO_TIER_READY"), ["r4"]),
        (Wanted(ending="answered", min_confidence=0.5), ["r5", "r2", "r1"]),
        (Wanted(max_confidence=0.4), ["r3"]),
        (Wanted(tier="' OR 1=1 --"), []),
    ],
)
def test_requests_are_found_by_what_is_asked_for(path: Path, wanted: Wanted, found: list[str]) -> None:
    """Every condition holds, and what is asked for is never read as SQL."""
    assert ids(browse.page(path, wanted, 10)) == found


def test_feedback_comes_along(path: Path) -> None:
    """With one, and with many."""
    one = browse.one(path, "r1")
    assert one is not None
    assert [feedback.score for feedback in one.feedback] == [0.5]
    assert [len(each.feedback) for each in browse.newest(path, 10)] == [1, 0, 0, 0, 0]
    assert browse.one(path, "nobody") is None


def test_a_search_that_takes_too_long_is_given_up(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what it had found, and a word that it was."""
    monkeypatch.setattr(browse, "_STEPS", 1)
    found = browse.page(path, Wanted(tenant="nobody"), 10, max_s=-1.0)
    assert (found.records, found.is_cut) == ((), True)


def test_what_is_no_journal_is_told(tmp_path: Path) -> None:
    """Whatever it is."""
    file = tmp_path / "other.sqlite"
    file.write_bytes(b"x" * 4096)
    with pytest.raises(JournalError, match="cannot be read"):
        browse.page(file, Wanted(), 1)
    with pytest.raises(JournalError):
        browse.one(tmp_path / "missing.sqlite", "x")
