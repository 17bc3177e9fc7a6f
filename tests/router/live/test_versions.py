"""Versions on the disk."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from router.errors import UnknownVersion
from router.live import versions as module
from router.live.versions import Versions


def keep(versions: Versions, text: str) -> int:
    return versions.keep(text, origin="test", by="me", time_s=1.0).number


def test_the_same_text_twice_is_one_version(tmp_path: Path) -> None:
    """A reload that changes nothing leaves no trace."""
    versions = Versions(tmp_path / "v")
    assert [keep(versions, text) for text in ("a", "a", "b", "a")] == [1, 1, 2, 3]


def test_only_the_owner_can_read_them(tmp_path: Path) -> None:
    """A configuration may hold secrets."""
    versions = Versions(tmp_path / "v")
    keep(versions, "a")
    assert [stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "v", *(tmp_path / "v").iterdir())] == [
        0o700,
        0o600,
    ]


def test_old_ones_make_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder does not grow for ever, and numbers are not used twice."""
    monkeypatch.setattr(module, "MAX_VERSION_COUNT", 3)
    versions = Versions(tmp_path)
    for text in "abcde":
        keep(versions, text)
    assert [version.number for version in versions.all()] == [3, 4, 5]
    with pytest.raises(UnknownVersion, match="there are 3 to 5"):
        versions.get(1)


def test_a_damaged_version_is_passed_over(tmp_path: Path) -> None:
    """One bad file does not hide the others."""
    versions = Versions(tmp_path)
    for text in "abc":
        keep(versions, text)
    (tmp_path / "000002.json").write_text("{")
    assert [version.text for version in versions.all()] == ["a", "c"]
    assert versions.before(versions.get(3).etag).number == 1
