"""The examples of prompts and of a policy, as their reader would use them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).parents[2] / "examples"
HOUSE = ("-c", str(EXAMPLES / "echo.yaml"), "--json")


def upshift(*words: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "router.cli", *words, *HOUSE]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_the_prompts_are_collected_and_the_policy_is_simulated(tmp_path: Path) -> None:
    """The large tier knows four of five, the small one two; what is kept more readily costs less."""
    outcomes = str(tmp_path / "outcomes.jsonl.gz")
    collected = upshift("collect", "--prompts", str(EXAMPLES / "prompts.jsonl"), "--out", outcomes)
    qualities = {tier: summary["mean_quality"] for tier, summary in collected["tiers"].items()}
    assert (collected["complete"], qualities) == (True, {"edge": 0.4, "frontier": 0.8})
    found = upshift(
        "simulate", "--policy", str(EXAMPLES / "policies" / "bolder.yaml"), "--outcomes", outcomes
    )
    assert (found["old"]["name"], found["new"]["name"]) == ("default", "bolder")
    assert found["cost_change"]["value"] < 0.0 < found["outcome_change"]["value"]
