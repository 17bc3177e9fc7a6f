"""Serve a backend of your own; this one starts its own server, on a free port, and asks it.

A package registers its backend in pyproject.toml; a single file has only the registry's dict::

    [project.entry-points."upshift.backends"]
    shout = "my_package:ShoutBackend"
"""

import asyncio
from collections.abc import AsyncGenerator

from pydantic import BaseModel

from backends.registry import BACKENDS
from backends.types import Capabilities, Completion, Delta, FinishReason, Prompt, Usage
from router.build import build
from router.config import parse
from router.rpc.client import AsyncClient
from router.rpc.server import RouterServer

CONFIG = """
version: 1
server: {listen: "127.0.0.1:0"}
tiers: [{name: mine, backend: shout, options: {mark: "!!"}}]
policies: [{name: default, ladder: [mine], objective: {rule: fixed, tier: mine}}]
"""


class ShoutOptions(BaseModel, strict=True, extra="forbid", frozen=True):
    """What the configuration may say."""

    mark: str = "!"


class ShoutBackend:
    """Repeats the last message, louder. `backends/base.py` says what each method owes its caller."""

    Options = ShoutOptions

    def __init__(self, options: ShoutOptions) -> None:
        self.mark = options.mark
        self.capabilities = Capabilities(model="shout")

    async def start(self) -> None: ...
    async def close(self) -> None: ...
    def count_tokens(self, prompt: Prompt) -> int:
        return len(prompt.text.split())

    async def stream(
        self, prompt: Prompt, *, timeout_s: float | None = None
    ) -> AsyncGenerator[Delta | Completion]:
        yield Delta(prompt.messages[-1].content.upper() + self.mark)
        yield Completion(FinishReason.STOP, Usage(self.count_tokens(prompt), self.count_tokens(prompt)))


async def main() -> None:
    """Register, serve, ask."""
    BACKENDS["shout"] = f"{__name__}:ShoutBackend"
    config = parse(CONFIG)
    async with (
        RouterServer(config.server, build(config)) as server,
        AsyncClient(await server.start()) as upshift,
    ):
        print((await upshift.generate("hello there")).text)


if __name__ == "__main__":
    asyncio.run(main())
