"""Who may see the pages and act on them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest

from router.tenants.key_file import write_keys
from router.tenants.principal import Scope
from router.ui.app import is_wanted
from router.ui.doors import is_local
from tests.router.ui.house import ORIGIN, House, housed, keys_in


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8080", "localhost", "[::1]:80", "x.localhost"])
def test_names_of_this_machine(host: str) -> None:
    """Loopback addresses, and the name that always means them."""
    assert is_local(host)


@pytest.mark.parametrize("host", ["", "evil.example", "127.0.0.1.evil.example", "10.0.0.1", "[::", "a@b"])
def test_all_other_names_are_foreign(host: str) -> None:
    """Whatever they look like."""
    assert not is_local(host)


async def test_a_rebound_name_sees_nothing(house: House) -> None:
    """Where nobody is asked for a key, a page whose own name leads here is turned away."""
    answer = await house.client.get("/ui/overview", headers={"host": "evil.example"})
    assert answer.status_code == 403


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:9"])
async def test_another_sites_page_sees_nothing(house: House, origin: str) -> None:
    """An origin that is not ours is turned away even where it only reads."""
    answer = await house.client.get("/ui/overview", headers={"origin": origin})
    assert answer.status_code == 403


async def test_a_write_needs_the_pages_token(house: House) -> None:
    """A forged request has the cookie and not the token."""
    answer = await house.client.post("/ui/policy/check", json={"content": ""}, headers={"origin": ORIGIN})
    assert (answer.status_code, answer.json()["reason"]) == (403, "FORGED")


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_a_write_from_another_site_is_refused(house: House, site: str) -> None:
    """Also with the token, by what the browser itself says."""
    answer = await house.post("/policy/check", {"content": ""}, **{"sec-fetch-site": site})
    assert answer.status_code == 403


async def test_browsers_are_told_to_run_nothing_else(house: House) -> None:
    """Neither inline scripts nor frames, nor anything from elsewhere."""
    headers = (await house.client.get("/ui/overview")).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"


PAGES = ("overview", "quality", "tiers", "tenants", "requests", "requests/x", "playground", "policy")


@pytest.mark.parametrize("page", [*PAGES, "overview/live", "policy/versions"])
async def test_without_a_login_no_page_is_shown(locked: House, page: str) -> None:
    """People are led to the login, scripts are told."""
    answer = await locked.client.get(f"/ui/{page}")
    assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (303, "/ui/login")
    told = await locked.client.get(f"/ui/{page}", headers={"accept": "*/*"})
    assert told.status_code == 401


@pytest.mark.parametrize("path", ["playground/run", "playground/decide", "policy/check", "policy/apply"])
async def test_without_a_login_nothing_is_done(locked: House, path: str) -> None:
    """Whatever is sent."""
    answer = await locked.client.post(f"/ui/{path}", json={}, headers={"origin": ORIGIN})
    assert answer.status_code == 401


async def test_the_admin_key_opens(locked: House) -> None:
    """By a cookie that no script can read and no other site sends."""
    answer = await locked.log_in()
    assert (answer.status_code, answer.headers["location"]) == (303, "/ui/")
    cookie = answer.headers["set-cookie"]
    assert {"HttpOnly", "Path=/ui", "SameSite=strict", "Max-Age=28800"} <= set(cookie.split("; "))
    assert locked.key not in cookie
    assert (await locked.client.get("/ui/overview")).status_code == 200


async def test_over_tls_the_cookie_stays_there(locked: House) -> None:
    """It is marked as secure."""
    transport = httpx.ASGITransport(locked.app)
    async with httpx.AsyncClient(transport=transport, base_url="https://127.0.0.1") as client:
        answer = await client.post("/ui/login", data={"key": locked.key})
    assert "Secure" in answer.headers["set-cookie"]


@pytest.mark.parametrize("key", ["", "upk_1", f"upk_{'0' * 12}_{'x' * 43}", "x" * 10_000, "\x00é"])
async def test_a_wrong_key_opens_nothing(locked: House, key: str) -> None:
    """And is told no more than that it is wrong."""
    answer = await locked.log_in(key)
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers
    assert "not known, has expired, or lacks" in answer.text


async def test_a_key_of_another_scope_opens_nothing(locked: House) -> None:
    """Only admin keys do."""
    other = keys_in(locked.path.parent / "keys.json", frozenset({Scope.GENERATE}))
    assert locked.sources.sessions is not None
    locked.sources.sessions.open()
    assert (await locked.log_in(other)).status_code == 401


async def test_a_login_from_another_site_is_refused(locked: House) -> None:
    """Else a page could log its reader in under a key of its own."""
    answer = await locked.client.post(
        "/ui/login", data={"key": locked.key}, headers={"origin": "http://evil.example"}
    )
    assert answer.status_code == 403


async def test_a_revoked_key_ends_its_sessions(locked: House) -> None:
    """Without waiting for the login to run out."""
    await locked.log_in()
    write_keys(locked.path.parent / "keys.json", [])
    assert locked.sources.sessions is not None
    locked.sources.sessions.open()
    assert (await locked.client.get("/ui/overview")).status_code == 303


async def test_logging_out_ends_the_session(locked: House) -> None:
    """For whoever has kept its cookie too."""
    await locked.log_in()
    page = (await locked.client.get("/ui/overview")).text
    csrf = page.split('name="csrf" value="')[1].split('"')[0]
    cookie = dict(locked.client.cookies)
    await locked.client.post("/ui/logout", data={"csrf": csrf}, headers={"origin": ORIGIN})
    locked.client.cookies.update(cookie)
    assert (await locked.client.get("/ui/overview")).status_code == 303


async def test_logging_out_needs_the_token(locked: House) -> None:
    """Nobody is logged out by another page."""
    await locked.log_in()
    answer = await locked.client.post("/ui/logout", data={"csrf": "x"}, headers={"origin": ORIGIN})
    assert answer.status_code == 403
    assert (await locked.client.get("/ui/overview")).status_code == 200


async def test_a_login_leads_to_our_pages_only(locked: House) -> None:
    """Whatever the address says."""
    data = {"key": locked.key, "next": "//evil.example/"}
    answer = await locked.client.post("/ui/login", data=data, headers={"origin": ORIGIN})
    assert answer.headers["location"] == "/ui/"


async def test_logins_are_written_down(locked: House) -> None:
    """Those that were refused too, and no key with them."""
    await locked.log_in("upk_1")
    await locked.log_in()
    async with asyncio.timeout(30):
        while len(locked.audited()) < 2:
            await asyncio.sleep(0.01)
    assert [(line["what"], line["outcome"]) for line in locked.audited()] == [
        ("LogIn", "KEY_UNKNOWN"),
        ("LogIn", "OK"),
    ]
    assert locked.key not in (locked.path.parent / "audit.jsonl").read_text()


async def test_beyond_this_machine_they_are_off_unless_asked_for(locked: House) -> None:
    """And on it they are on unless switched off."""
    assert is_wanted(locked.sources.config, "127.0.0.1:80")
    assert not is_wanted(locked.sources.config, "0.0.0.0:80")


async def test_beyond_this_machine_they_can_be_asked_for(tmp_path: Path) -> None:
    """In plain words, and with keys."""
    async with housed(tmp_path, with_keys=True, ui={"allow_beyond_loopback": True}) as found:
        assert is_wanted(found.sources.config, "0.0.0.0:80")


async def test_they_can_be_switched_off(tmp_path: Path) -> None:
    """On this machine as well."""
    async with housed(tmp_path, ui={"enabled": False}) as found:
        assert not is_wanted(found.sources.config, "127.0.0.1:80")
