"""What a server is told so that a request is found again in its logs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from backends.openai_chat import OpenAIChatBackend
from backends.openai_chat_options import OpenAIChatOptions
from backends.trace_headers import trace_headers
from backends.types import Message, Prompt, Role, Terms
from tests import chat_server

TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


async def test_ids_go_with_the_request() -> None:
    """As headers, and nothing where there are none."""
    heads: list[str] = []
    terms = Terms(request_id="r1", traceparent=TRACEPARENT)
    asked = Prompt((Message(Role.USER, "hi"),))
    async with chat_server.serve(chat_server.model, heads=heads) as url:
        backend = OpenAIChatBackend(OpenAIChatOptions.model_validate({"base_url": url, "model": "m"}))
        await backend.start()
        heads.clear()
        for prompt in (replace(asked, terms=terms), asked):
            async for _ in backend.stream(prompt):
                pass
        await backend.close()
    assert "x-client-request-id: r1" in heads[0].lower()
    assert f"traceparent: {TRACEPARENT}" in heads[0].lower()
    assert "request-id" not in heads[1].lower()


@pytest.mark.parametrize(
    ("request_id", "is_uuid"),
    [("0b5fe3a1-58c5-4f3d-9c4a-1df07a53d1d2", True), ("01a1fd92b7ab8cf2bcbc3676", False)],
)
def test_only_uuids_are_request_ids_to_others(request_id: str, is_uuid: bool) -> None:
    """Some servers refuse a request whose ``x-request-id`` is anything else."""
    headers = trace_headers(Terms(request_id=request_id))
    assert headers.pop("x-client-request-id") == request_id
    assert headers == ({"x-request-id": request_id} if is_uuid else {})


@pytest.mark.parametrize("request_id", ["two\r\nlines: x", "ü", "x" * 200])
def test_what_would_break_a_header_is_left_out(request_id: str) -> None:
    """Ids come from callers."""
    assert trace_headers(Terms(request_id=request_id)) == {}
