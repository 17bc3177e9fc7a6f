"""``upshift keys``: what an operator does with keys, on the file itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from router.errors import Unauthenticated
from router.tenants.key_file import read_keys
from router.tenants.keys import authenticate
from router.tenants.principal import Scope
from tests.router.cli.conftest import Run


@pytest.fixture
def file(tmp_path: Path) -> str:
    return str(tmp_path / "keys.json")


def works(file: str, token: str, now_s: float) -> bool:
    try:
        authenticate(token, read_keys(Path(file)), now_s)
    except Unauthenticated:
        return False
    return True


def test_a_key_is_shown_once(upshift: Run, file: str) -> None:
    """Standard output is the key alone, so that it can be piped; the list does not have it."""
    ended = upshift("keys", "create", "--tenant", "acme", "--note", "for ci", "-f", file)
    token = ended.out.strip()
    listed = upshift("keys", "list", "-f", file).out
    assert works(file, token, 0.0)
    assert "acme" in listed
    assert token.split("_", 2)[2] not in listed + ended.err


def test_a_key_is_for_what_it_was_made_for(upshift: Run, file: str) -> None:
    """Admin calls have to be asked for; the rest is the default."""
    usual = upshift("keys", "create", "--tenant", "a", "-f", file, "--json").json
    admin = upshift("keys", "create", "--tenant", "a", "--scope", "admin", "-f", file, "--json").json
    assert (set(usual["scopes"]), admin["scopes"]) == (set(Scope) - {Scope.ADMIN}, ["admin"])


def test_rotation_leaves_time_to_change(upshift: Run, file: str) -> None:
    """Both keys work during the overlap, then the new one alone."""
    old = upshift("keys", "create", "--tenant", "a", "-f", file, "--json").json
    new = upshift("keys", "rotate", old["id"], "--overlap", "2h", "-f", file, "--json").json
    made_s = read_keys(Path(file))[new["id"]].created_s
    assert (works(file, old["key"], made_s + 7000), works(file, old["key"], made_s + 7300)) == (True, False)
    assert works(file, new["key"], made_s + 7300)
    assert new["tenants"] == ["a"]


def test_a_revoked_key_is_gone(upshift: Run, file: str) -> None:
    """At once, for good."""
    made = upshift("keys", "create", "--tenant", "a", "-f", file, "--json").json
    assert "revoked" in upshift("keys", "revoke", made["id"], "-f", file).out
    assert not works(file, made["key"], 0.0)
    assert upshift("keys", "revoke", made["id"], "-f", file).code == 2


def test_an_expiry_is_a_time(upshift: Run, file: str) -> None:
    """What is no time is misuse, and makes no key."""
    assert upshift("keys", "create", "--tenant", "a", "--expires", "soon", "-f", file).code == 2
    ended = upshift("keys", "create", "--tenant", "a", "--expires", "1d", "-f", file, "--json").json
    key = read_keys(Path(file))[ended["id"]]
    assert key.expires_s == pytest.approx(key.created_s + 86_400.0)


def test_the_file_is_found_by_the_configuration(upshift: Run, tmp_path: Path) -> None:
    """`auth.keys` names it, relative to the configuration."""
    config = tmp_path / "upshift.yaml"
    text = """
version: 1
auth: {keys: keys.json}
tiers: [{name: edge, backend: echo}]
policies: [{name: default, ladder: [edge], objective: {rule: threshold}}]
"""
    config.write_text(text)
    upshift("keys", "create", "--tenant", "a", "-c", str(config))
    assert len(read_keys(tmp_path / "keys.json")) == 1
    config.write_text(text.replace("auth: {keys: keys.json}", ""))
    assert "auth.keys" in upshift("keys", "list", "-c", str(config)).err
