"""A small house with pages: two scripted tiers, a journal, keys where they are wanted, and ways to ask."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import yaml
from starlette.applications import Starlette

from backends.types import Message, Prompt, Role
from router.live.config_file import ConfigFile
from router.live.core import LiveRouter
from router.live.reloader import Reloader
from router.live.versions import Versions, folder_of
from router.observe.outlook import Outlook
from router.request import Request
from router.rpc.admin.audit_log import AuditLog
from router.rpc.places import Places
from router.tenants.key_file import write_keys
from router.tenants.keys import mint
from router.tenants.principal import Scope
from router.ui.app import Pages
from router.ui.sources import Served, Sources, sources_of
from tests.router.conftest import ask

ORIGIN = "http://127.0.0.1"
ADMIN_SCOPES = frozenset({Scope.ADMIN, Scope.GENERATE, Scope.DECIDE})

EVIL = "<script>document.title='owned'</script><img src=x onerror=alert(1)>"


def document(**sections: Any) -> dict[str, Any]:
    """A sure answer for everything but ``riddle``, which goes up to the frontier."""
    tiers = [
        {
            "name": "edge",
            "backend": "echo",
            "options": {"model": "echo-small", "logprobs": {"riddle": -3.0}},
            "price": {"input_usd_per_million_tokens": 1, "output_usd_per_million_tokens": 1},
        },
        {
            "name": "frontier",
            "backend": "echo",
            "options": {"model": EVIL, "replies": {"riddle": "A river: it runs."}},
            "price": {"input_usd_per_million_tokens": 100, "output_usd_per_million_tokens": 100},
        },
    ]
    objective = {"rule": "threshold", "min_confidence": 0.8}
    policies = [{"name": "default", "ladder": ["edge", "frontier"], "objective": objective}]
    found = {
        "version": 1,
        "journal": {"path": "journal.sqlite", "store_prompts": True},
        "confidence": {"uncalibrated": "token_probability"},
        "tiers": tiers,
        "policies": policies,
    }
    return found | sections


@dataclass
class House:
    """What is served, its pages, and a browser without a screen."""

    path: Path
    core: LiveRouter
    sources: Sources
    app: Starlette
    client: httpx.AsyncClient
    key: str = ""

    async def answer(self, text: str, request_id: str = "request", **changes: Any) -> Request:
        """Answer a request and let the journal write it."""
        prompt = Prompt((Message(Role.USER, text),))
        request = replace(ask(id=request_id), prompt=prompt, **changes)
        async for _ in self.core.run(request):
            pass
        return request

    async def post(self, path: str, value: Any, **headers: str) -> httpx.Response:
        """Send what a page's script would."""
        page = (await self.client.get("/ui/overview")).text
        token = re.search(r'name="csrf-token" content="([^"]*)"', page)
        assert token is not None, page
        return await self.client.post(
            f"/ui{path}", json=value, headers={"x-csrf-token": token[1], "origin": ORIGIN, **headers}
        )

    async def log_in(self, key: str | None = None) -> httpx.Response:
        """Send the form."""
        data = {"key": self.key if key is None else key}
        return await self.client.post("/ui/login", data=data, headers={"origin": ORIGIN})

    def audited(self) -> list[dict[str, Any]]:
        """Lines of the audit log so far."""
        return [json.loads(line) for line in (self.path.parent / "audit.jsonl").read_text().splitlines()]


def keys_in(path: Path, scopes: frozenset[Scope] = ADMIN_SCOPES) -> str:
    """Make a file with one key, and give the key."""
    key, shown = mint(tenants=("ops",), scopes=scopes, now_s=0.0)
    write_keys(path, [key])
    return shown


@asynccontextmanager
async def housed(folder: Path, *, with_keys: bool = False, **sections: Any) -> AsyncIterator[House]:
    """Serve a house's pages in ``folder``."""
    key = keys_in(folder / "keys.json") if with_keys else ""
    if with_keys:
        sections = {"auth": {"keys": "keys.json"}, **sections}
    sections = {"admin": {"audit": "audit.jsonl"}, **sections}
    path = folder / "upshift.yaml"
    path.write_text(yaml.safe_dump(document(**sections), sort_keys=False))
    file = ConfigFile(path)
    served = file.read()
    outlook = Outlook(served.config)
    core = LiveRouter(served.config, observer=outlook.watch)
    reloader = Reloader(core, file, served, Versions(folder_of(path, None)))
    outlook.look_at(core, reloader)
    async with AsyncExitStack() as stack:
        audit = AuditLog(served.config.admin.audit) if served.config.admin.audit else None
        if audit is not None:
            await stack.enter_async_context(audit)
        sources = sources_of(Served(core, reloader, Places(16), audit))
        outlook.watch.listen(sources.traffic.heard)
        await core.start()
        stack.push_async_callback(core.close)
        pages = await stack.enter_async_context(Pages(sources, "127.0.0.1:0"))
        app = Starlette(routes=pages.routes())
        transport = httpx.ASGITransport(app, client=("127.0.0.1", 4321))
        client = await stack.enter_async_context(
            httpx.AsyncClient(transport=transport, base_url=ORIGIN, headers={"accept": "text/html"})
        )
        yield House(path, core, sources, app, client, key)
