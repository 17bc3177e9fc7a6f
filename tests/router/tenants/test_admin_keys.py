"""Which admin keys may guard a port that other machines reach."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from router.tenants.admin_keys import weakness_of
from router.tenants.keys import SECRET_LENGTH, ApiKey, _digest, mint
from router.tenants.principal import Scope


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "keys.json"
    path.touch(mode=0o600)
    return path


def admin_key(expires_s: float | None = None) -> ApiKey:
    return mint(tenants=("ops",), scopes=frozenset({Scope.ADMIN}), now_s=0.0, expires_s=expires_s)[0]


def test_a_key_that_was_made_for_it_is_good(path: Path) -> None:
    """Nothing is found."""
    assert weakness_of(path, [admin_key()], now_s=1.0) is None


def test_an_expired_key_is_none(path: Path) -> None:
    """The port would open for nobody."""
    assert "has no admin key" in (weakness_of(path, [admin_key(expires_s=1.0)], now_s=1.0) or "")


@pytest.mark.parametrize("character", ["a", "0", "_"])
def test_one_character_over_and_over_is_weak(path: Path, character: str) -> None:
    """It has the form of a key and is guessed at once."""
    key = admin_key()
    weak = replace(key, digest=_digest(character * SECRET_LENGTH, key.salt))
    assert "is weak" in (weakness_of(path, [weak], now_s=1.0) or "")


def test_a_short_salt_is_weak(path: Path) -> None:
    """No key of ours has one."""
    assert "is weak" in (weakness_of(path, [replace(admin_key(), salt=b"x")], now_s=1.0) or "")
