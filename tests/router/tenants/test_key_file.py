"""The file of keys, and the ring that follows it."""

from __future__ import annotations

import logging
import os
import stat
from dataclasses import dataclass
from pathlib import Path

import pytest

from router.errors import Unauthenticated
from router.tenants.key_file import KeyFileError, changed_keys, read_keys, write_keys
from router.tenants.key_ring import KeyRing
from router.tenants.keys import mint
from router.tenants.principal import Scope


@dataclass
class Clock:
    """Time that a test sets."""

    now_s: float = 0.0

    def __call__(self) -> float:
        return self.now_s


def add(path: Path, expires_s: float | None = None) -> tuple[str, str]:
    """Add a key to the file; its id and itself."""
    with changed_keys(path) as keys:
        key, token = mint(
            tenants=("acme",), scopes=frozenset({Scope.LIST}), now_s=1e9, expires_s=expires_s, note="é"
        )
        keys[key.id] = key
    return key.id, token


def test_keys_come_back_equal(tmp_path: Path) -> None:
    """What is written is what is read."""
    keys = [mint(tenants=("a", "*"), scopes=frozenset(Scope), now_s=1e9, expires_s=2e9)[0] for _ in range(3)]
    write_keys(tmp_path / "keys.json", keys)
    assert list(read_keys(tmp_path / "keys.json").values()) == keys


def test_the_file_is_its_owners(tmp_path: Path) -> None:
    """Others may not read who has which rights."""
    add(tmp_path / "keys.json")
    assert stat.S_IMODE((tmp_path / "keys.json").stat().st_mode) == 0o600


def test_the_file_does_not_hold_the_key(tmp_path: Path) -> None:
    """A stolen file opens nothing."""
    _, token = add(tmp_path / "keys.json")
    assert token.split("_", 2)[2] not in (tmp_path / "keys.json").read_text()


@pytest.mark.parametrize(
    "text", ["", "{}", '{"version": 2, "keys": []}', '{"version": 1, "keys": [{"id": "x"}]}']
)
def test_a_broken_file_is_refused(tmp_path: Path, text: str) -> None:
    """The error says which file and where."""
    (tmp_path / "keys.json").write_text(text)
    with pytest.raises(KeyFileError, match=r"keys\.json is no file of keys"):
        read_keys(tmp_path / "keys.json")


def test_a_failed_change_changes_nothing(tmp_path: Path) -> None:
    """The file is replaced as a whole or not at all."""
    add(tmp_path / "keys.json")
    before = (tmp_path / "keys.json").read_bytes()

    def fail() -> None:
        with changed_keys(tmp_path / "keys.json") as keys:
            keys.clear()
            raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - raised just above
        fail()
    assert (tmp_path / "keys.json").read_bytes() == before


def test_a_ring_follows_its_file(tmp_path: Path) -> None:
    """A new key works, and a revoked one stops, within the refresh interval."""
    path, timer = tmp_path / "keys.json", Clock()
    first_id, first = add(path)
    ring = KeyRing(path, clock=lambda: 1.1e9, timer=timer)
    ring.open()
    assert ring.authenticate(first).key_id == first_id
    second_id, second = add(path)
    with changed_keys(path) as keys:
        del keys[first_id]
    timer.now_s = 1.5
    assert ring.authenticate(second).key_id == second_id
    with pytest.raises(Unauthenticated):
        ring.authenticate(first)


def test_a_file_that_breaks_later_shuts_nobody_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The last good keys stay, and the log says so, once."""
    path, timer = tmp_path / "keys.json", Clock()
    _, token = add(path)
    ring = KeyRing(path, clock=lambda: 1.1e9, timer=timer)
    ring.open()
    path.write_text("{")
    for timer.now_s in (2.0, 4.0):
        with caplog.at_level(logging.ERROR):
            ring.authenticate(token)
    assert len(caplog.records) == 1
    assert token not in caplog.text


def test_a_key_expires_by_the_clock(tmp_path: Path) -> None:
    """The wall clock decides, also for a file that has not changed."""
    _, token = add(tmp_path / "keys.json", expires_s=1.2e9)
    clock = Clock(1.1e9)
    ring = KeyRing(tmp_path / "keys.json", clock=clock, timer=Clock())
    ring.open()
    ring.authenticate(token)
    clock.now_s = 1.3e9
    with pytest.raises(Unauthenticated):
        ring.authenticate(token)


def test_a_server_without_its_file_does_not_start(tmp_path: Path) -> None:
    """Keys that cannot be read must not mean that none are needed."""
    with pytest.raises(KeyFileError, match="upshift keys create"):
        KeyRing(tmp_path / "gone.json").open()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    """The error names the file."""
    tmp_path.chmod(0o500)
    with pytest.raises(KeyFileError, match=r"keys\.json cannot be written"):
        add(tmp_path / "keys.json")
