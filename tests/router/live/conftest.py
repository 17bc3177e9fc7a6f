"""A configuration in a file, the router that serves it, and what changes it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from router.build import build
from router.config import Config
from router.core import Router
from router.earlier import Earlier
from router.events import Result
from router.live.config_file import ConfigFile
from router.live.core import LiveRouter
from router.live.reloader import Reloader
from router.live.versions import Versions
from router.request import Request
from tests.router.conftest import ask

NOW_S = 1_800_000_000.0


def document(*tiers: dict[str, Any], **sections: Any) -> dict[str, Any]:
    """A configuration of echo tiers; each mapping is a tier's."""
    found = [{"backend": "echo", **tier} for tier in tiers]
    policy = {
        "name": "default",
        "ladder": [tier["name"] for tier in found],
        "objective": {"rule": "fixed", "tier": found[0]["name"]},
    }
    return {"version": 1, "tiers": found, "policies": [policy], **sections}


def text(*tiers: dict[str, Any], **sections: Any) -> str:
    """The same as it is written."""
    return yaml.safe_dump(document(*tiers, **sections), sort_keys=False)


def tier(name: str, reply: str = "", **settings: Any) -> dict[str, Any]:
    """A tier that says ``reply``, or its name."""
    return {"name": name, "options": {"reply": reply or f"{name} says"}, **settings}


def backend(router: Router, name: str) -> object:
    """What runs the tier."""
    return next(tier.backend for tier in router.parts.tiers if tier.name == name)


@dataclass
class House:
    """A running router, its file, and its reloader."""

    path: Path
    core: LiveRouter
    reloader: Reloader
    versions: Versions
    built: list[Router]

    async def answer(self, request: Request | None = None) -> str:
        """What the router says now."""
        result = None
        async for event in self.core.run(request or ask()):
            result = event
        assert isinstance(result, Result)
        return result.text


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """Serve one tier, ``edge``, that says ``one``."""
    path = tmp_path / "upshift.yaml"
    path.write_text(text(tier("edge", "one")))
    built: list[Router] = []

    def noting(config: Config, earlier: Sequence[Earlier]) -> Router:
        built.append(build(config, earlier))
        return built[-1]

    file = ConfigFile(path)
    served = file.read()
    core = LiveRouter(served.config, noting)
    versions = Versions(tmp_path / "versions")
    reloader = Reloader(core, file, served, versions, lambda: NOW_S)
    await core.start()
    yield House(path, core, reloader, versions, built)
    await core.close()
