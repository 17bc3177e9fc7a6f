"""The demo as a newcomer runs it, on fewer requests."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.conftest import command

pytestmark = pytest.mark.engines

ROOT = Path(__file__).parents[2]


async def test_the_demo_ends_with_its_figures(tmp_path: Path) -> None:
    """Real tiers, real requests: five runs, one JSON object, and a picture."""
    picture = tmp_path / "demo.png"
    arguments = ("demo", "-n", "20", "--seed", "7", "--json", "--picture", str(picture))
    async with command(*arguments, cwd=ROOT) as process:
        output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    figures = json.loads(output.decode().splitlines()[-1])
    assert figures["requests"] == 20
    assert set(figures["runs"]) == {"always_edge", "always_local", "always_frontier", "random_mix", "upshift"}
    for run in figures["runs"].values():
        assert 0.0 <= run["accuracy"] <= 1.0
        assert run["cost_usd"] > 0.0
        assert 0.0 < run["p50_ms"] <= run["p95_ms"]
    assert sum(figures["runs"]["upshift"]["tier_share"].values()) == pytest.approx(1.0, abs=1e-3)
    assert picture.read_bytes().startswith(b"\x89PNG")
