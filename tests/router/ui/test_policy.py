"""The editor: what is wrong, what changes, what it would have cost, and putting it into service."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import yaml

from tests.router.ui.house import House, document, housed
from tests.router.ui.test_pages import settled


def content(**sections: Any) -> str:
    return yaml.safe_dump(document(admin={"audit": "audit.jsonl"}, **sections), sort_keys=False)


def edited(house: House, old: str, new: str) -> str:
    text = house.path.read_text()
    assert old in text
    return text.replace(old, new)


async def etag(house: House) -> str:
    return house.sources.reloader.served.etag


async def test_problems_have_their_line_and_key(house: House) -> None:
    """All of them at once, in the order of lines."""
    text = edited(house, "backend: echo", "backend: ehco")
    told = (await house.post("/policy/check", {"content": text})).json()
    line = text.splitlines().index("  backend: ehco") + 1
    assert told["problems"][0]["line"] == line
    assert told["problems"][0]["key"] == "tiers[0].backend"
    assert "did you mean 'echo'" in told["problems"][0]["message"]


async def test_text_that_is_no_yaml_is_told(house: House) -> None:
    """As any other problem."""
    told = (await house.post("/policy/check", {"content": "version: [1"})).json()
    assert told["problems"][0]["line"] is not None


async def test_a_change_is_told_as_a_difference(house: House) -> None:
    """Line by line, and nothing where there is none."""
    text = edited(house, "min_confidence: 0.8", "min_confidence: 0.7")
    told = (await house.post("/policy/check", {"content": text})).json()
    assert told["problems"] == []
    assert [line for line in told["diff"][3:] if line[0] in "+-"] == [
        "-    min_confidence: 0.8",
        "+    min_confidence: 0.7",
    ]
    assert (await house.post("/policy/check", {"content": house.path.read_text()})).json()["diff"] == []


async def test_what_needs_a_restart_is_said_before(house: House) -> None:
    """It is no fault of the text, and cannot be applied."""
    text = content(server={"default_timeout_s": 7})
    (problem,) = (await house.post("/policy/check", {"content": text})).json()["problems"]
    assert "server.default_timeout_s" in problem["message"]
    assert problem["blocks"] is False


async def test_applying_changes_what_is_served(house: House) -> None:
    """The file too, and it is written down."""
    text = edited(house, "min_confidence: 0.8", "min_confidence: 0.7")
    told = (await house.post("/policy/apply", {"content": text, "etag": await etag(house)})).json()
    assert told["etag"] == await etag(house)
    assert house.path.read_text() == text
    async with asyncio.timeout(30):
        while not house.audited():
            await asyncio.sleep(0.01)
    line = house.audited()[-1]
    assert (line["what"], line["outcome"], line["done"]["version"]) == ("UpdateConfig", "OK", told["version"])


async def test_an_old_etag_changes_nothing(house: House) -> None:
    """Somebody else was faster."""
    text = edited(house, "min_confidence: 0.8", "min_confidence: 0.7")
    answer = await house.post("/policy/apply", {"content": text, "etag": "0" * 32})
    assert (answer.status_code, answer.json()["reason"]) == (409, "ETAG_MISMATCH")
    assert "0.8" in house.path.read_text()


async def test_a_bad_text_is_not_applied(house: House) -> None:
    """Whatever the page had let through."""
    text = edited(house, "backend: echo", "backend: ehco")
    answer = await house.post("/policy/apply", {"content": text, "etag": await etag(house)})
    assert (answer.status_code, answer.json()["reason"]) == (400, "CONFIG_INVALID")


async def test_a_version_can_be_served_again(house: House) -> None:
    """By its number."""
    before = house.path.read_text()
    text = edited(house, "min_confidence: 0.8", "min_confidence: 0.7")
    await house.post("/policy/apply", {"content": text, "etag": await etag(house)})
    answer = await house.post("/policy/rollback", {"version": 1, "etag": await etag(house)})
    assert answer.status_code == 200, answer.text
    assert house.path.read_text() == before
    assert "rollback to 1" in (await house.client.get("/ui/policy/versions")).text


async def test_secrets_are_masked_and_never_written_back(tmp_path: Path) -> None:
    """A mask in place of a secret is refused, as by the admin port."""
    tier = {
        "name": "frontier",
        "backend": "openai_chat",
        "options": {"base_url": "http://127.0.0.1:9/v1", "model": "m", "api_key": "sk-not-to-be-shown"},
    }
    policy = {"name": "default", "ladder": ["frontier"], "objective": {"rule": "fixed", "tier": "frontier"}}
    async with housed(tmp_path, tiers=[tier], policies=[policy]) as found:
        page = (await found.client.get("/ui/policy")).text
        assert "sk-not-to-be-shown" not in page
        assert "***" in page
        masked = found.path.read_text().replace("sk-not-to-be-shown", "'***'")
        told = (await found.post("/policy/check", {"content": masked + "\n# changed\n"})).json()
        assert told["problems"][0]["key"] == "tiers[0].options.api_key"
        wish = {"content": masked, "etag": found.sources.reloader.served.etag}
        answer = await found.post("/policy/apply", wish)
        assert answer.json()["reason"] == "SECRET_REDACTED"


async def test_a_simulation_says_where_the_log_cannot_tell(house: House) -> None:
    """Two requests without a score bear out nothing about quality."""
    await house.answer("hello", "a")
    await house.answer("riddle", "b")
    await settled(house, 2)
    await house.core.feedback("a", 1.0, "user")
    text = edited(house, "min_confidence: 0.8", "min_confidence: 0.01")
    answer = await house.post("/policy/simulate", {"content": text, "policy": "default"})
    assert answer.status_code == 200, answer.text
    assert "The log cannot tell" in answer.text
    assert "not known" in answer.text


async def test_a_simulation_without_traffic_is_refused(house: House) -> None:
    """With what is missing."""
    trial = {"content": house.path.read_text(), "policy": "default"}
    answer = await house.post("/policy/simulate", trial)
    assert answer.status_code == 422
    assert "no answered request" in answer.json()["message"]


async def test_what_no_page_sends_is_refused(house: House) -> None:
    """Unknown fields, wrong types, and no JSON at all."""
    sent: list[object] = [{"content": 1}, {"content": "", "more": 1}, [], "x"]
    for value in sent:
        answer = await house.post("/policy/check", value)
        assert (answer.status_code, answer.json()["reason"]) == (400, "FIELD_INVALID")
