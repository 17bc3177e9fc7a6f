"""A server with an admin port, from a configuration in a file."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest

from router.config import Config
from router.live.config_file import ConfigFile
from router.live.core import LiveRouter
from router.live.reloader import Reloader
from router.live.versions import Versions
from router.rpc.admin.audit_log import AuditLog
from router.rpc.admin.server import AdminServer
from router.rpc.admin.service import AdminService
from router.rpc.client.admin import AdminClient
from router.tenants.key_file import write_keys
from router.tenants.key_ring import KeyRing
from router.tenants.keys import mint
from router.tenants.principal import Scope
from tests.router.live.conftest import text, tier

T = TypeVar("T")


@dataclass
class Administered:
    """A running admin port: its address, a key for it, and one for everything else."""

    path: Path
    core: LiveRouter
    service: AdminService
    address: str
    admin_key: str
    other_key: str

    async def do(self, work: Callable[[AdminClient], T], *, key: str | None = None) -> T:
        """Do ``work`` with a client, on a thread; ``key`` None: the admin key, "": none."""

        def doing() -> T:
            with AdminClient(self.address, key=(self.admin_key if key is None else key) or None) as client:
                return work(client)

        return await asyncio.to_thread(doing)

    def audited(self) -> list[dict[str, Any]]:
        """Lines of the audit log so far."""
        lines = (self.path.parent / "audit.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines]


def keys_in(path: Path) -> tuple[str, str]:
    """Make a file of two keys; return the admin key and the other one."""
    admin, admin_key = mint(tenants=("ops",), scopes=frozenset({Scope.ADMIN}), now_s=0.0)
    other, other_key = mint(tenants=("acme",), scopes=frozenset(set(Scope) - {Scope.ADMIN}), now_s=0.0)
    write_keys(path, (admin, other))
    return admin_key, other_key


@pytest.fixture
async def administered(tmp_path: Path) -> AsyncIterator[Administered]:
    """Serve one tier, ``edge``, that says ``one``; its configuration holds a secret."""
    path = tmp_path / "upshift.yaml"
    path.write_text(text(tier("edge", "one"), auth={"keys": "keys.json"}) + "# api_key: sk-not-to-be-shown\n")
    admin_key, other_key = keys_in(tmp_path / "keys.json")
    file = ConfigFile(path)
    served = file.read()
    config: Config = served.config
    core = LiveRouter(config)
    reloader = Reloader(core, file, served, Versions(tmp_path / "versions"))
    service = AdminService(core, reloader, started_s=1_800_000_000.0)
    log = AuditLog(tmp_path / "audit.jsonl")
    keys = KeyRing(tmp_path / "keys.json")
    await core.start()
    async with log, AdminServer("127.0.0.1:0", config.server, service, keys, log) as server:
        yield Administered(path, core, service, server.address, admin_key, other_key)
    await core.close()
