"""One prompt from the page: asked by the rules of the wire, told event by event."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from router.tenants.principal import Scope
from tests.router.ui.house import House, housed, keys_in


async def told(house: House, **asked: Any) -> list[dict[str, Any]]:
    answer = await house.post("/playground/run", {"prompt": "riddle", **asked})
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


async def test_a_request_is_told_as_it_climbs(house: House) -> None:
    """The decision, both attempts, what was rejected, and the answer with its account."""
    events = await told(house)
    kinds = list(dict.fromkeys(event["event"] for event in events))
    assert kinds == ["decided", "started", "text", "rejected", "result"]
    rejected = next(event for event in events if event["event"] == "rejected")
    assert (rejected["number"], rejected["reason"]) == (1, "low_confidence")
    assert events[-1]["text"] == "A river: it runs."
    assert [report["tier"] for report in events[-1]["attempts"]] == ["edge", "frontier"]


async def test_tokens_come_with_their_probability(house: House) -> None:
    """Of rejected text too."""
    texts = [event for event in await told(house) if event["event"] == "text"]
    assert texts[0]["probabilities"] == [0.0498]
    assert all(0.9 < value <= 1.0 for event in texts[1:] for value in event["probabilities"])


async def test_constraints_hold(house: House) -> None:
    """A budget that pays for the edge alone."""
    events = await told(house, max_attempt_count=1)
    assert (events[-1]["tier"], events[-1]["reason"]) == ("edge", "no_attempts_left")


async def test_a_failure_is_told_in_the_stream(house: House) -> None:
    """By its stable word."""
    events = await told(house, max_cost_usd=0.0)
    assert (events[-1]["event"], events[-1]["reason"]) == ("failed", "BUDGET_EXHAUSTED")


async def test_what_is_wrong_is_told_by_field(house: House) -> None:
    """Before anything runs."""
    answer = await house.post("/playground/run", {"prompt": "", "min_confidence": 7.0, "policy": "none"})
    fields = {one["field"] for one in answer.json()["fields"]}
    assert answer.status_code == 400
    assert {"constraints.min_confidence", "constraints.policy"} <= fields


async def test_deciding_runs_nothing(house: House) -> None:
    """It says what would be tried first, and on what grounds."""
    answer = (await house.post("/playground/decide", {"prompt": "riddle"})).json()
    assert (answer["tier"], [one["tier"] for one in answer["estimates"]]) == ("edge", ["edge", "frontier"])
    assert house.sources.traffic.total.count == 0


async def test_a_key_that_may_not_ask_does_not(tmp_path: Path) -> None:
    """An admin key without the scope to generate looks on."""
    async with housed(tmp_path, with_keys=True) as found:
        key = keys_in(tmp_path / "keys.json", frozenset({Scope.ADMIN}))
        assert found.sources.sessions is not None
        found.sources.sessions.open()
        await found.log_in(key)
        answer = await found.post("/playground/run", {"prompt": "hello"})
        assert (answer.status_code, answer.json()["reason"]) == (400, "SCOPE_MISSING")
        assert "lacks the scope" in (await found.client.get("/ui/playground")).text


async def test_it_asks_for_the_keys_tenant(locked: House) -> None:
    """And for no other."""
    await locked.log_in()
    answer = await locked.post("/playground/run", {"prompt": "hello", "tenant": "somebody-else"})
    assert answer.json()["reason"] == "TENANT_NOT_ALLOWED"
