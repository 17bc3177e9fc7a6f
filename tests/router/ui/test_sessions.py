"""Logins: how long they last, and how many there may be."""

from __future__ import annotations

from pathlib import Path

import pytest

from router.errors import PermissionDenied
from router.tenants.key_file import write_keys
from router.tenants.key_ring import KeyRing
from router.tenants.principal import Scope
from router.ui import sessions
from router.ui.sessions import Sessions
from tests.router.ui.house import keys_in


class Hands:
    """A clock that stands until it is set."""

    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Hands:
    return Hands()


def opened(path: Path, clock: Hands) -> Sessions:
    found = Sessions(KeyRing(path, timer=clock), 100.0, clock)
    found.open()
    return found


def test_a_login_ends_by_itself(tmp_path: Path, clock: Hands) -> None:
    """Not before its time."""
    key = keys_in(tmp_path / "keys.json")
    found = opened(tmp_path / "keys.json", clock)
    cookie, session = found.log_in(key)
    clock.now_s = 99.0
    assert found.find(cookie) is session
    clock.now_s = 100.0
    assert found.find(cookie) is None


def test_a_login_ends_with_its_key(tmp_path: Path, clock: Hands) -> None:
    """Within the time in which keys are read anew."""
    key = keys_in(tmp_path / "keys.json")
    found = opened(tmp_path / "keys.json", clock)
    cookie, _ = found.log_in(key)
    write_keys(tmp_path / "keys.json", [])
    clock.now_s = 2.0
    assert found.find(cookie) is None


def test_only_admin_keys_log_in(tmp_path: Path, clock: Hands) -> None:
    """Whatever else a key may do."""
    key = keys_in(tmp_path / "keys.json", frozenset({Scope.GENERATE, Scope.LIST}))
    with pytest.raises(PermissionDenied):
        opened(tmp_path / "keys.json", clock).log_in(key)


def test_logins_are_bounded(tmp_path: Path, clock: Hands, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest one makes room."""
    monkeypatch.setattr(sessions, "MAX_SESSION_COUNT", 2)
    key = keys_in(tmp_path / "keys.json")
    found = opened(tmp_path / "keys.json", clock)
    cookies = [found.log_in(key)[0] for _ in range(3)]
    assert [found.find(cookie) is not None for cookie in cookies] == [False, True, True]


def test_no_cookie_and_no_token_are_alike(tmp_path: Path, clock: Hands) -> None:
    """Nobody can guess the one from the other, or from an earlier login."""
    key = keys_in(tmp_path / "keys.json")
    found = opened(tmp_path / "keys.json", clock)
    logins = [found.log_in(key) for _ in range(10)]
    assert len({cookie for cookie, _ in logins} | {session.csrf for _, session in logins}) == 20
    assert found.find("") is None
    assert not logins[0][1].has_sent(logins[1][1].csrf)
