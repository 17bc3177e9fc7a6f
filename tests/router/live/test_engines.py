"""A real engine's process outlives changes of the configuration that are not its own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from router.live.config_file import ConfigFile
from router.live.core import LiveRouter
from router.live.reloader import Reloader, Terms
from router.live.versions import Versions
from tests.router.live.conftest import document, tier

pytestmark = pytest.mark.engines


def children() -> set[int]:
    """Processes that this one has started and that run."""
    tasks = Path(f"/proc/{os.getpid()}/task")
    started = {int(pid) for path in tasks.glob("*/children") for pid in path.read_text().split()}
    return {pid for pid in started if runs(pid)}


def runs(pid: int) -> bool:
    """Whether a process has not ended; one that nobody has waited for yet has."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


async def test_an_engine_is_not_loaded_again(tiny_gguf: Path, tmp_path: Path) -> None:
    """A new price and a new tier beside it leave its process alone; a new context does not."""
    path = tmp_path / "upshift.yaml"

    def say(*others: dict[str, Any], price: float = 1.0, context: int = 128) -> None:
        engine = {
            "name": "engine",
            "backend": "llamacpp",
            "options": {"model": str(tiny_gguf), "context_token_count": context},
            "price": {"output_usd_per_million_tokens": price},
        }
        found = document(tier("edge"), *others)
        found["tiers"].append(engine)
        path.write_text(yaml.safe_dump(found))

    say()
    file = ConfigFile(path)
    served = file.read()
    core = LiveRouter(served.config)
    reloader = Reloader(core, file, served, Versions(tmp_path / "versions"))
    before = children()
    await core.start()
    try:
        workers = children() - before
        assert workers
        say(tier("another"), price=2.0)
        change = await reloader.reload(Terms("test"))
        assert "engine" in change.exchange.kept
        assert children() - before == workers
        say(context=256)
        change = await reloader.reload(Terms("test"))
        assert change.exchange.started == ("engine",)
        assert set(change.exchange.closed) == {"engine", "another"}
    finally:
        await core.close()
    assert not (children() - before) & workers
