"""Learns difficulty and confidence from graded answers: `python -m examples.pocket.calibrate`.

Runs every tier of `examples/pocket.yaml` on fresh prompts of the calibration split, through the
engines that serve them, grades the answers exactly, and writes what `learnt:` names. No prompt of
the training or the test split is seen.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import os
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from backends.types import JsonSchemaFormat, Message, Prompt, Role
from examples.pocket.tasks import Sample, draw, grade, json_schema
from examples.pocket.weights import FRONTIER
from policies.artefact import save
from policies.difficulty.heuristic import HeuristicOptions
from policies.learnt import Learnt
from policies.training import Outcome, OutcomeRecord, fit_learnt
from router.build import build
from router.config import Config, DifficultyConfig, load
from router.core import Router
from router.demo.processes import free_port, frontier_command, running
from router.events import Result
from router.request import Request

CONFIG = Path(__file__).parents[1] / "pocket.yaml"
LEARNT = Path(__file__).parent / "weights" / "learnt.json"
TIERS = ("edge", "local", "frontier")
DEFAULT_COUNT = 1200


def prompt_of(sample: Sample) -> Prompt:
    """The sample as a client would ask it."""
    schema = json_schema(sample)
    form = None if schema is None else JsonSchemaFormat(schema)
    return Prompt((Message(Role.USER, sample.prompt),), response_format=form)


async def _outcome(router: Router, tier: str, sample: Sample, number: int) -> Outcome | None:
    request = Request(f"{tier}-{number}", prompt_of(sample))
    constraints = dataclasses.replace(request.constraints, policy=f"always_{tier}")
    async for event in router.run(dataclasses.replace(request, constraints=constraints)):
        if isinstance(event, Result):
            attempt = event.attempts[0]
            tokens = attempt.usage.output_token_count
            quality = float(grade(sample, event.text))
            return Outcome(quality, attempt.signals, tokens, text=event.text)
    return None


async def _collect(router: Router, samples: Sequence[Sample]) -> list[OutcomeRecord]:
    """Run every tier on every sample, the tiers side by side."""
    found: list[dict[str, Outcome]] = [{} for _ in samples]
    with Progress(console=Console(stderr=True)) as progress:

        async def run(tier: str) -> None:
            bar = progress.add_task(tier, total=len(samples))
            for number, sample in enumerate(samples):
                if outcome := await _outcome(router, tier, sample, number):
                    found[number][tier] = outcome
                progress.advance(bar)

        await asyncio.gather(*(run(tier) for tier in TIERS))
    return [
        OutcomeRecord(prompt_of(sample), outcomes) for sample, outcomes in zip(samples, found, strict=True)
    ]


def _without_learnt(config: Config) -> Config:
    """The same tiers, knowing nothing yet and keeping no journal; whatever can be seen of an answer is."""
    journal = config.journal.model_copy(update={"path": None})
    confidence = config.confidence.model_copy(update={"costly_signals": "always"})
    guess = DifficultyConfig(estimator="heuristic", options=HeuristicOptions())
    return config.model_copy(
        update={"learnt": None, "difficulty": guess, "journal": journal, "confidence": confidence}
    )


@asynccontextmanager
async def frontier() -> AsyncIterator[None]:
    """Run the frontier's server where the configuration will look for it, as long as the block lasts."""
    port = free_port()
    os.environ["UPSHIFT_POCKET_FRONTIER_URL"] = f"http://127.0.0.1:{port}/v1"
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "frontier.log"
        command = frontier_command(FRONTIER, port)
        async with running("the frontier", command, port=port, log=log, environment={}):
            yield


async def learn(count: int, seed: int) -> Learnt:
    """Ask every tier ``count`` prompts of the calibration split, and learn from the graded answers."""
    samples = list(draw(count, split="calibrate", seed=seed))
    async with frontier():
        router = build(_without_learnt(load(CONFIG)))
        await router.start()
        try:
            records = await _collect(router, samples)
        finally:
            await router.close()
    return fit_learnt(records, tiers=TIERS, seed=seed)


def _table(learnt: Learnt) -> Table:
    table = Table(title=f"Learnt from {learnt.prompt_count} prompts; judged out of fold")
    for name in ("tier", "right", "AUROC before", "AUROC after", "Brier", "ECE"):
        table.add_column(name, justify="left" if name == "tier" else "right")
    for tier, report in learnt.reports.items():
        figures = (report.difficulty_auroc, report.confidence_auroc, report.brier, report.ece)
        shown = ["-" if figure is None else f"{figure:.3f}" for figure in figures]
        table.add_row(tier, f"{100 * report.mean_quality:.1f} %", *shown)
    return table


def main() -> None:
    """Collect, fit and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=DEFAULT_COUNT, help="prompts to ask every tier")
    parser.add_argument("--seed", type=int, default=2026, help="which prompts are drawn")
    parser.add_argument("--out", type=Path, default=LEARNT, help="file to write")
    arguments = parser.parse_args()
    learnt = asyncio.run(learn(arguments.count, arguments.seed))
    save(learnt, arguments.out)
    Console().print(_table(learnt))
    Console().print(f"written to {arguments.out}")


if __name__ == "__main__":
    main()
