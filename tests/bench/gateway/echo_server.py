"""A bare ASGI application on the gateway's server software: it reads the request and answers, and no more.

python -m tests.bench.gateway.echo_server PORT
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn
import uvloop

from tests.bench.edge.process import free_port, started
from tests.bench.gateway.contender import Contender, answering
from tests.bench.gateway.http_asking import http_asking
from tests.bench.upstream import CHUNK_COUNT
from tests.chat_server import event

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

_WHOLE = json.dumps({"choices": [{"message": {"role": "assistant", "content": "yes"}}]}).encode()


async def application(_: Scope, receive: Receive, send: Send) -> None:
    """Answer with a word, or with a stream of as many as the provider of the others."""
    asked = b""
    while (message := await receive())["type"] == "http.request":
        asked += message["body"]
        if not message["more_body"]:
            break
    streams = json.loads(asked or b"{}").get("stream", False)
    kind = b"text/event-stream" if streams else b"application/json"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]})
    if not streams:
        await send({"type": "http.response.body", "body": _WHOLE})
        return
    for _number in range(CHUNK_COUNT):
        await send({"type": "http.response.body", "body": event("word "), "more_body": True})
    await send({"type": "http.response.body", "body": b"data: [DONE]\n\n"})


@contextmanager
def echo(folder: Path) -> Iterator[Contender]:
    """Run it in a process of its own."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "tests.bench.gateway.echo_server", str(port)]
    with started(command, folder / "echo.log") as process:
        answering(process, address)
        yield Contender("bare ASGI echo", "nothing", address, process, http_asking(""))


async def _serve(port: int) -> None:
    config = uvicorn.Config(
        application,
        host="127.0.0.1",
        port=port,
        http="httptools",
        loop="none",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
    )
    await uvicorn.Server(config).serve()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
