"""A world outside to leak into: a real HTTP server that answers, and remembers all that it was asked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import yaml

from backends.types import Message, Prompt, Role
from router.build import build
from router.config import Config, parse
from router.core import Router
from router.errors import RoutingError
from router.events import Result
from router.request import Constraints, Request
from tests import chat_server

SECRET = "My name is Ada and my file number is forty-two."
_CHECK = [{"role": "user", "content": "1"}]
PRICE = {"input_usd_per_million_tokens": 1, "output_usd_per_million_tokens": 1}


@dataclass
class Outside:
    """What the server was asked, but for the checks at start; ``reply`` None: as a model of words would.

    A ``reply`` stops behind its first piece until it ``may_go_on``.
    """

    url: str = ""
    reply: str | None = None
    asked: list[dict[str, Any]] = field(default_factory=list)
    may_go_on: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def seen(self) -> str:
        """All of it, as text."""
        return json.dumps(self.asked, ensure_ascii=False)

    async def answer(self, body: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        """Play the model."""
        if "path" not in body and body["messages"] != _CHECK:
            self.asked.append(body)
        if "path" in body or self.reply is None:
            return await chat_server.model(body, writer)
        writer.write(chat_server.STREAM_HEAD)
        for place in range(0, len(self.reply), 3):
            writer.write(chat_server.event(self.reply[place : place + 3]))
            await writer.drain()
            await self.may_go_on.wait()
        writer.write(chat_server.event(finish="stop") + chat_server.usage(10, 5) + b"data: [DONE]\n\n")
        return None


@asynccontextmanager
async def outside(reply: str | None = None) -> AsyncIterator[Outside]:
    """Serve on a free port."""
    world = Outside(reply=reply)
    world.may_go_on.set()
    async with chat_server.serve(world.answer) as url:
        world.url = url
        yield world


def configured(world: Outside, **sections: Any) -> Config:
    """A frontier outside and an unsure edge here, beside what ``sections`` say; ``edge`` are its options."""
    edge = {"reply": "The answer is 5.", "logprob": -3.0} | sections.pop("edge", {})
    options = {"base_url": world.url, "model": "words", "external": True, "max_output_token_count": 20}
    default = {
        "name": "default",
        "ladder": ["edge", "frontier"],
        "objective": {"rule": "threshold", "min_confidence": 0.9},
    }
    document = {
        "version": 1,
        "tiers": [
            {"name": "edge", "backend": "echo", "options": edge},
            {"name": "frontier", "backend": "openai_chat", "options": options, "price": PRICE},
        ],
        "confidence": {"uncalibrated": "token_probability"},
        "policies": [default],
    }
    return parse(yaml.safe_dump({**document, **sections}))


@asynccontextmanager
async def opened(config: Config) -> AsyncIterator[Router]:
    """A started router."""
    router = build(config)
    try:
        await router.start()
        yield router
    finally:
        await router.close()


def request(text: str = SECRET, **more: Any) -> Request:
    """A request of one message; ``constraints`` may be a mapping."""
    constraints = more.pop("constraints", {})
    held = Constraints(**constraints) if isinstance(constraints, Mapping) else constraints
    return Request("r1", Prompt((Message(Role.USER, text),)), held, timeout_s=20.0, **more)


async def ask(router: Router, asked: Request) -> Result | RoutingError:
    """The result, or the error that the request ended in."""
    try:
        async with aclosing(router.run(asked)) as events:
            last = [event async for event in events][-1]
    except RoutingError as error:
        return error
    assert isinstance(last, Result)
    return last
