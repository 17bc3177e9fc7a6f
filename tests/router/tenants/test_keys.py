"""API keys: made, recognised, expired, and never told."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.errors import PermissionDenied, Unauthenticated
from router.tenants.keys import ApiKey, authenticate, mint
from router.tenants.principal import Principal, Scope

GENERATE = frozenset({Scope.GENERATE})


def made(*, tenants: tuple[str, ...] = ("acme",), expires_s: float | None = None) -> tuple[ApiKey, str]:
    return mint(tenants=tenants, scopes=GENERATE, now_s=100.0, expires_s=expires_s)


def test_a_key_is_recognised() -> None:
    """Who shows it is who it was made for."""
    key, token = made()
    assert authenticate(token, {key.id: key}, 100.0) == Principal(key.id, ("acme",), GENERATE)


def test_a_key_is_not_kept() -> None:
    """Neither what is stored nor how it prints holds the secret."""
    key, token = made()
    secret = token.split("_", 2)[2].encode()
    assert secret not in key.salt + key.digest
    assert key.digest.hex() not in repr(key)
    assert str(key.digest) not in repr(key)


def test_equal_secrets_have_unequal_digests() -> None:
    """Each key has a salt of its own."""
    (first, _), (second, _) = made(), made()
    assert first.salt != second.salt


@pytest.mark.parametrize(
    "change", [lambda t: t[:-2] + "AA", lambda t: t + "A", lambda t: "", lambda t: t.upper()]
)
def test_a_changed_key_is_not_known(change: object) -> None:
    """All of it counts, and the error does not repeat it."""
    key, token = made()
    changed = change(token)  # type: ignore[operator]
    with pytest.raises(Unauthenticated) as caught:
        authenticate(changed, {key.id: key}, 100.0)
    assert caught.value.reason == "KEY_UNKNOWN"
    assert not changed or changed not in str(caught.value)


def test_a_secret_does_not_open_by_another_id() -> None:
    """A secret belongs to its id."""
    (first, _), (second, token) = made(), made()
    with pytest.raises(Unauthenticated):
        authenticate(token.replace(second.id, first.id), {first.id: first, second.id: second}, 100.0)


@pytest.mark.parametrize(("now_s", "works"), [(199.9, True), (200.0, False)])
def test_a_key_ends(now_s: float, works: bool) -> None:
    """From its expiry on it is refused, by a word of its own."""
    key, token = made(expires_s=200.0)
    if works:
        assert authenticate(token, {key.id: key}, now_s)
        return
    with pytest.raises(Unauthenticated) as caught:
        authenticate(token, {key.id: key}, now_s)
    assert caught.value.reason == "KEY_EXPIRED"


def test_rotation_never_prolongs() -> None:
    """A key that ends before the overlap does keeps its end."""
    key, _ = made(expires_s=200.0)
    assert (key.expiring(150.0).expires_s, key.expiring(250.0).expires_s) == (150.0, 200.0)


def test_every_key_costs_the_same_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """One digest and one comparison of whole digests, whether the id is known and the secret right or not.

    So time tells nobody which ids there are, or how much of a secret is right.
    """
    done: list[tuple[str, int]] = []
    digest, compare = hashlib.blake2b, hmac.compare_digest

    def digesting(data: bytes, **settings: Any) -> Any:
        done.append(("digest", len(data)))
        return digest(data, **settings)

    def comparing(one: bytes, other: bytes) -> bool:
        done.append(("compare", len(one) + len(other)))
        return compare(one, other)

    (key, token), (_, stranger) = made(), made()
    mixed = stranger.replace(stranger[4:16], key.id)
    monkeypatch.setattr(hashlib, "blake2b", digesting)
    monkeypatch.setattr(hmac, "compare_digest", comparing)
    assert authenticate(token, {key.id: key}, 100.0)
    right, done = done, []
    for shown in (stranger, mixed, token[:-1] + ("B" if token.endswith("A") else "A")):
        with pytest.raises(Unauthenticated):
            authenticate(shown, {key.id: key}, 100.0)
        assert done == right == [("digest", 43), ("compare", 64)]
        done = []


@given(st.text(max_size=200))
def test_any_text_is_refused_politely(text: str) -> None:
    """Nothing that is sent as a key breaks the check."""
    with pytest.raises(Unauthenticated):
        authenticate(text, {}, 0.0)


@pytest.mark.parametrize(
    ("tenants", "named", "meant"),
    [(("a", "b"), "", "a"), (("a", "b"), "b", "b"), (("*",), "x", "x"), (("a", "*"), "", "a")],
)
def test_a_request_is_for_a_tenant_of_its_key(tenants: tuple[str, ...], named: str, meant: str) -> None:
    """The first one where the request names none."""
    assert Principal("id", tenants, GENERATE).tenant(named) == meant


@pytest.mark.parametrize(("tenants", "named"), [(("a",), "b"), (("*",), ""), (("a",), "*")])
def test_a_foreign_tenant_is_refused(tenants: tuple[str, ...], named: str) -> None:
    """Nobody acts for a tenant that the key does not name."""
    with pytest.raises(PermissionDenied) as caught:
        Principal("id", tenants, GENERATE).tenant(named)
    assert caught.value.reason == "TENANT_NOT_ALLOWED"


def test_a_missing_scope_is_refused() -> None:
    """A key is for what it was made for."""
    with pytest.raises(PermissionDenied, match="may not be used for 'admin'") as caught:
        Principal("id", ("a",), GENERATE).require(Scope.ADMIN)
    assert caught.value.reason == "SCOPE_MISSING"
