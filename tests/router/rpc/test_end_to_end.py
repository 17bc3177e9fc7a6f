"""The real router behind a real socket: echo tiers, a real policy, a real journal."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest

from backends.tools import Tool
from backends.types import FinishReason, Message, Role
from router.build import build
from router.config import parse
from router.events import AttemptRejected, Outcome
from router.rpc.client import Answer, AsyncClient, TextDelta, UpshiftError
from router.rpc.server import serve

CONFIG = """
version: 1
server:
  listen: 127.0.0.1:0
  drain_grace_s: 30
journal:
  path: {path}
confidence:
  uncalibrated: token_probability
tiers:
  - name: edge
    backend: echo
    options: {{logprobs: {{hard question: -3.0}}, token_delay_s: {delay_s}}}
  - name: frontier
    backend: echo
    options:
      reply: the better answer
      external: true
      tools: true
      calls: {{"weather?": [{{name: look_up, arguments: '{{"city": "Bern"}}'}}]}}
    price: {{input_usd_per_million_tokens: 3, output_usd_per_million_tokens: 15}}
policies:
  - name: default
    ladder: [edge, frontier]
    objective: {{rule: threshold}}
    constraints: {{min_confidence: 0.5}}
"""


@asynccontextmanager
async def served(path: Path, *, delay_s: float = 0.0) -> AsyncIterator[AsyncClient]:
    """Serve until the block ends, then stop by a signal as an operator would."""
    config = parse(CONFIG.format(path=path / "journal.sqlite", delay_s=delay_s))
    bound: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve(config, build(config), ready=bound.set_result))
    try:
        async with AsyncClient(await bound) as client:
            yield client
    finally:
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(serving, 60.0)


async def test_a_sure_answer_stays_on_the_cheap_tier(tmp_path: Path) -> None:
    """The first tier answers, for nothing."""
    async with served(tmp_path) as client:
        answer = await client.generate("easy question")
    assert (answer.text, answer.tier, answer.cost_usd) == ("easy question", "edge", 0.0)


async def test_an_unsure_answer_is_shifted_up(tmp_path: Path) -> None:
    """The account has both attempts, and what the second cost."""
    async with served(tmp_path) as client:
        answer = await client.generate("hard question")
    assert (answer.text, answer.tier) == ("the better answer", "frontier")
    assert [attempt.outcome for attempt in answer.attempts] == [Outcome.REJECTED, Outcome.ACCEPTED]
    assert answer.cost_usd > 0.0


async def test_a_tool_loop_runs_over_the_wire(tmp_path: Path) -> None:
    """Only the tier that can call is asked; its call comes back whole, and what came of it is read."""
    tool = Tool("look_up", "Finds a city.", {"type": "object", "properties": {"city": {"type": "string"}}})
    async with served(tmp_path) as client:
        asked = await client.generate("weather?", tools=[tool], top_logprobs=2)
        turns = [
            Message(Role.USER, "weather?"),
            Message(Role.ASSISTANT, asked.text, tool_calls=asked.tool_calls),
            Message(Role.TOOL, "sunny", tool_call_id=asked.tool_calls[0].id),
        ]
        decided = await client.decide(turns, tools=[tool])
        answer = await client.generate(turns, tools=[tool], top_logprobs=0)
        tiers = await client.list_tiers()
    assert [(call.name, call.arguments) for call in asked.tool_calls] == [("look_up", '{"city": "Bern"}')]
    assert (asked.tier, asked.finish_reason) == ("frontier", FinishReason.TOOL_CALLS)
    assert decided.reason == "conversation"
    assert answer.text == "the better answer"
    assert "".join(token.text for token in answer.tokens) == answer.text
    assert [tier.tools for tier in tiers] == [False, True]


async def test_text_is_held_unless_retraction_is_allowed(tmp_path: Path) -> None:
    """Without leave, only accepted text is seen; with it, text comes early and is voided."""
    async with served(tmp_path) as client:
        held = [event async for event in client.stream("hard question")]
        shown = [event async for event in client.stream("hard question", allow_retraction=True)]
    assert {event.number for event in held if isinstance(event, TextDelta)} == {2}
    assert {event.number for event in shown if isinstance(event, TextDelta)} == {1, 2}
    assert [event.number for event in shown if isinstance(event, AttemptRejected)] == [1]
    assert isinstance(held[-1], Answer)
    assert held[-1].text == "".join(event.text for event in held if isinstance(event, TextDelta))


async def test_constraints_hold_all_the_way(tmp_path: Path) -> None:
    """A question that must stay here is answered here, however unsure."""
    async with served(tmp_path) as client:
        answer = await client.generate("hard question", local_only=True)
        with pytest.raises(UpshiftError) as caught:
            await client.generate("hard question", local_only=True, tiers=["frontier"])
    assert answer.tier == "edge"
    assert caught.value.reason == "NO_TIER_ALLOWED"


async def test_a_deadline_is_kept(tmp_path: Path) -> None:
    """A tier that is too slow ends in DEADLINE_EXCEEDED, and holds no place afterwards."""
    async with served(tmp_path, delay_s=5.0) as client:
        with pytest.raises(UpshiftError) as caught:
            await client.generate("one two three", timeout_s=0.2, tiers=["edge"])
        while (await client.list_tiers())[0].in_flight_count:
            await asyncio.sleep(0.01)
    assert caught.value.code is grpc.StatusCode.DEADLINE_EXCEEDED


async def test_a_closed_stream_frees_its_tier(tmp_path: Path) -> None:
    """Cancellation reaches the model through every layer."""
    async with served(tmp_path, delay_s=30.0) as client:
        stream = client.stream("one two three", tiers=["edge"])
        async for event in stream:
            if isinstance(event, TextDelta):
                break
        await stream.aclose()
        while (await client.list_tiers())[0].in_flight_count:
            await asyncio.sleep(0.01)


async def test_feedback_joins_the_answer(tmp_path: Path) -> None:
    """The journal knows the request by the id that the answer carries."""
    async with served(tmp_path) as client:
        answer = await client.generate("easy question")
        assert await client.submit_feedback(answer.request_id, 1.0) is False
        assert await client.submit_feedback(answer.request_id, 0.0) is True
        with pytest.raises(UpshiftError, match="other"):
            await client.submit_feedback("other", 1.0)


async def test_decide_runs_nothing(tmp_path: Path) -> None:
    """What would be tried first, with what is predicted of every tier."""
    async with served(tmp_path) as client:
        decided = await client.decide("easy question")
    assert (decided.policy, decided.tier) == ("default", "edge")
    assert [estimate.tier for estimate in decided.estimates] == ["edge", "frontier"]
