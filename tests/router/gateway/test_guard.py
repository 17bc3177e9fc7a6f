"""What the gateway takes and refuses, whoever asks, and how requests end that nobody waits for."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from router.config import ServerConfig
from router.gateway.server import GatewayServer
from router.rpc.listen import ListenError
from router.tenants.key_ring import KeyRing
from router.tenants.principal import Scope
from tests.router.gateway.conftest import Open
from tests.router.gateway.houses import talking
from tests.router.rpc.scripted_router import ScriptedRouter, stall
from tests.router.rpc.test_authentication import key

CHAT = "/v1/chat/completions"
ASKED: dict[str, Any] = {"model": "auto", "messages": [{"role": "user", "content": "hello"}]}


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"reasoning_effort": "high"}, "reasoning_effort", "unknown_parameter"),
        ({"messages": []}, "messages", "prompt_empty"),
        ({"messages": [{"role": "user", "content": ""}]}, "messages[0].content", "prompt_empty"),
        ({"messages": [{"role": "robot", "content": "hi"}]}, "messages.0", "field_invalid"),
        ({"temperature": 3}, "temperature", "temperature_out_of_range"),
        ({"max_tokens": 0}, "max_tokens", "field_invalid"),
        ({"n": 9}, "n", "field_invalid"),
        ({"store": True}, "store", "field_invalid"),
        ({"top_logprobs": 2}, "top_logprobs", "field_unsupported"),
        ({"tool_choice": "required"}, "tool_choice", "field_unsupported"),
        ({"model": "policy:none"}, "model", "model_not_found"),
        ({"upshift": {"min_confidence": 2}}, "upshift.min_confidence", "field_invalid"),
        (
            {
                "messages": [
                    {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://x/y"}}]}
                ]
            },
            "messages[0].content[0].image_url.url",
            "field_unsupported",
        ),
    ],
)
async def test_the_field_that_is_wrong_is_named(
    gateway: Open, change: dict[str, Any], field: str, code: str
) -> None:
    """Nothing is dropped in silence: what is not taken is refused by its name."""
    answer = await (await gateway()).http.post(CHAT, json=ASKED | change)
    error = answer.json()["error"]
    assert answer.status_code in (400, 404)
    assert (error["param"], error["code"]) == (field, code)
    assert field in error["message"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b'{"model": "auto"}'])
async def test_malformed_bodies(gateway: Open, body: bytes) -> None:
    """They are the caller's error."""
    assert (await (await gateway()).http.post(CHAT, content=body)).status_code == 400


async def test_schemas_that_nest_too_deeply(gateway: Open) -> None:
    """They are refused before anything recursive looks at them."""
    schema: dict[str, Any] = {}
    for _ in range(90):
        schema = {"not": schema}
    form = {"type": "json_schema", "json_schema": {"name": "deep", "schema": schema}}
    answer = await (await gateway()).http.post(CHAT, json=ASKED | {"response_format": form})
    assert (answer.status_code, answer.json()["error"]["reason"]) == (400, "SCHEMA_TOO_DEEP")


@pytest.mark.parametrize("is_told", [True, False])
async def test_bodies_that_are_too_large(gateway: Open, is_told: bool) -> None:
    """They are refused by their length, or while they come."""
    opened = await gateway(max_message_bytes=1024)
    body = json.dumps(ASKED | {"user": "x" * 2000}).encode()

    async def pieces() -> Any:
        yield body

    answer = await opened.http.post(CHAT, content=body if is_told else pieces())
    assert (answer.status_code, answer.json()["error"]["reason"]) == (413, "BODY_TOO_LARGE")


async def test_wishes_come_in_headers(gateway: Open) -> None:
    """They become constraints; the body's hold where both say something, and answers' names mean nothing."""
    opened = await gateway(talking)
    headers = {
        "x-upshift-min-confidence": "0.5",
        "x-upshift-max-cost-usd": "0.25",
        "x-upshift-tags": "pii, urgent",
        "x-upshift-local-only": "true",
        "x-upshift-tier": "made-up",
        "x-upshift-timeout-s": "2.5",
        "x-upshift-session": "talk-1",
        "x-request-id": "mine-1",
    }
    answer = await opened.http.post(CHAT, json=ASKED | {"upshift": {"min_confidence": 0.7}}, headers=headers)
    assert answer.headers["x-upshift-request-id"] == "mine-1"
    assert answer.headers["x-upshift-tier"] == "edge"
    assert isinstance(opened.core, ScriptedRouter)
    (request,) = opened.core.requests
    assert request.constraints.min_confidence == 0.7
    assert request.constraints.max_cost_usd_micros == 250_000
    assert request.constraints.local_only
    assert request.tags == {"pii", "urgent"}
    assert (request.timeout_s, request.session) == (2.5, "talk-1")


@pytest.mark.parametrize(
    ("name", "value"),
    [("x-upshift-typo", "1"), ("x-upshift-min-confidence", "much"), ("x-upshift-timeout-s", "-1")],
)
async def test_headers_that_mean_nothing_are_refused(gateway: Open, name: str, value: str) -> None:
    """A slip must not loosen what a caller meant to hold."""
    answer = await (await gateway()).http.post(CHAT, json=ASKED, headers={name: value})
    assert answer.status_code == 400
    assert name in answer.json()["error"]["message"]


async def test_a_debugging_caller_sees_the_way(gateway: Open) -> None:
    """With the header, an answer tells every attempt and its signals."""
    answer = await (await gateway(talking)).http.post(CHAT, json=ASKED, headers={"x-upshift-debug": "1"})
    assert answer.headers["x-upshift-path"] == "edge=confident:0.90"
    assert answer.json()["upshift"]["path"][0]["signals"] == {"mean_logprob": -0.1}


@pytest.mark.parametrize("is_streamed", [False, True])
async def test_a_caller_that_leaves_stops_the_model(gateway: Open, is_streamed: bool) -> None:
    """Its connection is closed, and the core is told at once."""
    opened = await gateway(stall)
    core = opened.core
    assert isinstance(core, ScriptedRouter)
    asking = asyncio.create_task(opened.http.post(CHAT, json=ASKED | {"stream": is_streamed}))
    await core.running.wait()
    asking.cancel()
    await asyncio.wait_for(core.stopped.wait(), 30)
    async with asyncio.timeout(30):
        while not opened.records:
            await asyncio.sleep(0.01)
    assert [record.reason for record in opened.records] == ["CANCELLED"]


async def test_a_full_house(gateway: Open) -> None:
    """Who finds no place is told to come back; health is always told."""
    opened = await gateway(stall, place_count=1)
    core = opened.core
    assert isinstance(core, ScriptedRouter)
    first = asyncio.create_task(opened.http.post(CHAT, json=ASKED))
    await core.running.wait()
    refused = await opened.http.post(CHAT, json=ASKED)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
    assert (await opened.http.get("/healthz")).status_code == 200
    core.gate.set()
    assert (await first).status_code == 200


async def test_draining_lets_answers_finish(gateway: Open) -> None:
    """What runs is answered, and nobody new is let in."""
    opened = await gateway(stall, drain_grace_s=5)
    core = opened.core
    assert isinstance(core, ScriptedRouter)
    running = asyncio.create_task(opened.http.post(CHAT, json=ASKED))
    await core.running.wait()
    draining = asyncio.create_task(opened.door.drain())
    await asyncio.sleep(0.3)
    assert not draining.done()
    core.gate.set()
    assert (await running).json()["choices"][0]["message"]["content"] == "late"
    await asyncio.wait_for(draining, 30)


async def test_readiness_follows_the_tiers(gateway: Open) -> None:
    """503 while no tier is ready."""
    opened = await gateway()
    assert (await opened.http.get("/readyz")).status_code == 200
    assert isinstance(opened.core, ScriptedRouter)
    opened.core.ready = False
    assert (await opened.http.get("/readyz")).status_code == 503


async def test_a_key_opens_what_it_is_for(gateway: Open, tmp_path: Path) -> None:
    """Scopes are gRPC's; health and the document need no key."""
    token = key(tmp_path / "keys.json", scopes=frozenset({Scope.LIST}))
    opened = await gateway(keys=KeyRing(tmp_path / "keys.json"))
    headers = {"authorization": f"Bearer {token}"}
    assert (await opened.http.get("/v1/models", headers=headers)).status_code == 200
    assert (await opened.http.post(CHAT, json=ASKED, headers=headers)).status_code == 403
    assert (await opened.http.get("/v1/models")).status_code == 401
    for path in ("/healthz", "/readyz", "/openapi.json"):
        assert (await opened.http.get(path)).status_code == 200


async def test_pages_of_other_sites_may_not_ask(gateway: Open, tmp_path: Path) -> None:
    """A browser tells where a request comes from; without a key, no page may spend its reader's money."""
    headers = {"origin": "http://example.com"}
    refused = await (await gateway()).http.post(CHAT, json=ASKED, headers=headers)
    assert (refused.status_code, refused.json()["error"]["reason"]) == (403, "ORIGIN_NOT_ALLOWED")
    token = key(tmp_path / "keys.json")
    opened = await gateway(keys=KeyRing(tmp_path / "keys.json"))
    headers["authorization"] = f"Bearer {token}"
    assert (await opened.http.post(CHAT, json=ASKED, headers=headers)).status_code == 200


async def test_decisions_and_feedback(gateway: Open) -> None:
    """They are as over gRPC."""
    opened = await gateway()
    decided = (await opened.http.post("/v1/decide", json=ASKED)).json()
    assert (decided["tier"], decided["estimates"][0]["quality"]) == ("edge", 0.7)
    scored = {"request_id": "known", "score": 1.0, "source": "user"}
    assert (await opened.http.post("/v1/feedback", json=scored)).json() == {"replaced": False}
    assert (await opened.http.post("/v1/feedback", json=scored | {"request_id": "x"})).status_code == 404
    assert (await opened.http.post("/v1/feedback", json=scored | {"score": 2})).status_code == 400


async def test_nobody_listens_beyond_this_machine_without_locks() -> None:
    """The rules are those of gRPC's port."""

    async def app(*_: Any) -> None: ...

    with pytest.raises(ListenError, match=r"gateway\.listen"):
        async with GatewayServer("0.0.0.0:0", ServerConfig(), app):
            pass
