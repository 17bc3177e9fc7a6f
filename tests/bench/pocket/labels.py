"""Graded answers of all three tiers, collected by the command itself and kept from run to run.

The folder is named by all that the answers rest on: weights, options, signals' code, and the seed. So a
run that was stopped goes on, a larger one adds to it, and one of other models starts anew.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from examples.pocket.tasks import draw
from examples.pocket.weights import FRONTIER
from policies.guarantee.certificate import digest
from router.collect.settings import tier_prints
from router.config import load
from router.config.order import by_price
from router.demo.processes import free_port, frontier_command, running
from tests.bench.edge.folder import cache_folder
from tests.bench.pocket.prompts import write_prompts


class StepFailed(RuntimeError):
    """A command of the way ended without success; its output is above."""


async def collected(config: Path, count: int, seed: int) -> Path:
    """Collect ``count`` labelled prompts of the calibration split; returns the file of outcomes."""
    folder = label_folder(config, seed)
    prompts, outcomes = folder / "prompts.jsonl", folder / f"outcomes-{count}.jsonl.gz"
    if outcomes.exists():
        return outcomes
    # A longer draw begins like a shorter one, so the answers kept so far are those of its first prompts.
    write_prompts(draw(count, split="calibrate", seed=seed), prompts)
    port = free_port()
    frontier = frontier_command(FRONTIER, port)
    log = folder / "frontier.log"
    async with running("the frontier", frontier, port=port, log=log, environment={}):
        await upshift(
            *("collect", "--config", str(config), "--prompts", str(prompts)),
            *("--grader", "reference:exact", "--out", str(folder / "outcomes.jsonl.gz")),
            environment={"UPSHIFT_POCKET_FRONTIER_URL": f"http://127.0.0.1:{port}/v1"},
        )
    return (folder / "outcomes.jsonl.gz").rename(outcomes)


def label_folder(config: Path, seed: int) -> Path:
    """Where the labels of this configuration and seed are kept."""
    settings = load(config)
    rests_on = {
        tier: [print_.fingerprint, print_.signals]
        for tier, print_ in tier_prints(settings, by_price(settings)).items()
    }
    return cache_folder("pocket", digest([rests_on, seed])[:16])


async def upshift(*words: str, environment: dict[str, str]) -> str:
    """Run the command, and give what it printed; its standard error is ours. Raises StepFailed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "router.cli", *words),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, **environment},
    )
    try:
        output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    if process.returncode:
        raise StepFailed(f"upshift {words[0]} ended with status {process.returncode}")
    return output.decode()
