"""The keys of a running server: whether one that was shown is still good for what it was."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from router.errors import Unauthenticated
from router.tenants.key_file import changed_keys
from router.tenants.key_ring import REFRESH_INTERVAL_S, KeyRing
from router.tenants.keys import ApiKey, mint
from router.tenants.principal import Scope


@dataclass
class Hands:
    """A clock that a test sets."""

    now_s: float = 100.0

    def __call__(self) -> float:
        return self.now_s


@dataclass
class House:
    """A file with one key, and the ring that reads it."""

    path: Path
    clock: Hands
    ring: KeyRing
    key: ApiKey
    token: str

    def change(self, key: ApiKey | None) -> None:
        """Write the file anew, with ``key`` alone, and let the ring look again."""
        with changed_keys(self.path) as keys:
            keys.clear()
            if key is not None:
                keys[key.id] = key
        self.clock.now_s += REFRESH_INTERVAL_S


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A key that ends at 1,000 s."""
    path, clock = tmp_path / "keys.json", Hands()
    key, token = mint(tenants=("acme",), scopes=frozenset(Scope), now_s=0.0, expires_s=1000.0)
    with changed_keys(path) as keys:
        keys[key.id] = key
    ring = KeyRing(path, clock=clock, timer=clock)
    ring.open()
    return House(path, clock, ring, key, token)


def test_a_key_stays_good(house: House) -> None:
    """As long as it is in the file and has not ended."""
    principal = house.ring.authenticate(house.token)
    assert house.ring.holds(principal)
    house.clock.now_s = 1000.0
    assert not house.ring.holds(principal)


def test_a_revoked_key_is_good_no_more(house: House) -> None:
    """Neither for who showed it before nor for who shows it now."""
    principal = house.ring.authenticate(house.token)
    house.change(None)
    assert not house.ring.holds(principal)
    with pytest.raises(Unauthenticated):
        house.ring.authenticate(house.token)


def test_a_key_with_other_scopes_is_another(house: House) -> None:
    """Who showed it must show it again."""
    principal = house.ring.authenticate(house.token)
    house.change(replace(house.key, scopes=frozenset({Scope.DECIDE})))
    assert not house.ring.holds(principal)
    assert house.ring.authenticate(house.token).scopes == {Scope.DECIDE}


def test_a_file_that_is_gone_or_broken_shuts_nobody_out(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """The last good keys stay, and the log says so."""
    house.path.write_text("{")
    house.clock.now_s += REFRESH_INTERVAL_S
    assert house.ring.authenticate(house.token).key_id == house.key.id
    house.path.unlink()
    house.clock.now_s += REFRESH_INTERVAL_S
    assert house.ring.authenticate(house.token).key_id == house.key.id
    assert caplog.text.count("the keys stay as they were") == 2
