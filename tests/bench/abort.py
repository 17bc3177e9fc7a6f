"""What stopping answers early saves and loses on the pocket family: ``python -m tests.bench.abort``.

Learns on the calibration split (or reads ``--learnt``), then asks fresh prompts of the test split
twice over the real engines, side by side: with answers stopped while they are written, and without.
Prints a table, and one JSON object as the last line. Minutes; times are those of a quiet machine only.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from examples.pocket.calibrate import CONFIG, frontier, learn, prompt_of
from examples.pocket.tasks import Sample, draw, grade
from policies.artefact import save
from policies.threshold import ThresholdOptions
from router.build import build
from router.config import Config, ObjectiveConfig, load
from router.core import Router
from router.events import AttemptReport, Result
from router.request import Constraints, Request

VARIANTS = {"whole": False, "stopped": True}


@dataclass(frozen=True, slots=True)
class Pair:
    """One prompt's two results, and whether each was right."""

    whole: Result
    stopped: Result
    whole_right: bool
    stopped_right: bool

    @property
    def went_up(self) -> bool:
        """Whether an answer was rejected when all were written to their end."""
        return len(self.whole.attempts) > 1

    def lost(self) -> Iterator[AttemptReport]:
        """Attempts that were stopped although the same tier's answer was kept when it was complete."""
        return (attempt for attempt in _stopped(self.stopped) if attempt.tier == self.whole.tier)


@dataclass(frozen=True, slots=True)
class Figures:
    """Shares in [0, 1]. What was saved is of requests that shift up; intervals are 95 %, by bootstrap."""

    prompt_count: int
    escalated_count: int
    stopped_attempt_count: int
    kept_count: int
    lost_count: int
    rejected_tokens_saved_share: float
    latency_saved_share: float
    latency_saved_interval: tuple[float, float]
    cost_saved_share: float
    quality_whole: float
    quality_stopped: float


def _config(learnt: Path, min_confidence: float, latency_usd_per_s: float) -> Config:
    """The pocket house with one policy a variant."""
    config = load(CONFIG)
    policies = [
        config.policies[0].model_copy(
            update={
                "name": name,
                "objective": ObjectiveConfig.model_construct(
                    rule="threshold",
                    options=ThresholdOptions(
                        min_confidence=min_confidence,
                        latency_usd_per_s=latency_usd_per_s,
                        stop_early=is_stopped,
                    ),
                ),
            }
        )
        for name, is_stopped in VARIANTS.items()
    ]
    journal = config.journal.model_copy(update={"path": None})
    return config.model_copy(update={"learnt": learnt, "policies": tuple(policies), "journal": journal})


async def _ask(router: Router, sample: Sample, policy: str, number: int) -> Result:
    request = Request(f"{number}", prompt_of(sample), Constraints(policy=policy))
    result = [event async for event in router.run(request)][-1]
    assert isinstance(result, Result)
    return result


async def _pairs(config: Config, samples: Sequence[Sample]) -> list[Pair]:
    """Ask every prompt under both policies, the one first and the other first in turn."""
    router = build(config)
    await router.start()
    pairs = []
    try:
        for number, sample in enumerate(samples):
            found = {}
            for name in sorted(VARIANTS, reverse=bool(number % 2)):
                found[name] = await _ask(router, sample, name, number)
            right = {name: grade(sample, result.text) for name, result in found.items()}
            pairs.append(Pair(found["whole"], found["stopped"], right["whole"], right["stopped"]))
    finally:
        await router.close()
    return pairs


def figures(pairs: Sequence[Pair], seed: int) -> Figures:
    """Sum up."""
    up = [pair for pair in pairs if pair.went_up]
    latencies = np.array([(pair.whole.latency_s, pair.stopped.latency_s) for pair in up]).reshape(-1, 2)
    places = np.random.default_rng(seed).integers(0, len(up), size=(2000, len(up)))
    resampled = latencies[places].sum(axis=1)
    low, high = np.quantile(1.0 - resampled[:, 1] / resampled[:, 0], [0.025, 0.975]).tolist()
    return Figures(
        prompt_count=len(pairs),
        escalated_count=len(up),
        stopped_attempt_count=sum(len(_stopped(pair.stopped)) for pair in pairs),
        kept_count=sum(pair.whole.tier != "frontier" for pair in pairs),
        lost_count=sum(1 for pair in pairs for _ in pair.lost()),
        rejected_tokens_saved_share=_saved([(_rejected(p.whole), _rejected(p.stopped)) for p in up]),
        latency_saved_share=_saved(latencies.tolist()),
        latency_saved_interval=(low, high),
        cost_saved_share=_saved([(p.whole.cost_usd_micros, p.stopped.cost_usd_micros) for p in pairs]),
        quality_whole=float(np.mean([pair.whole_right for pair in pairs])),
        quality_stopped=float(np.mean([pair.stopped_right for pair in pairs])),
    )


def _stopped(result: Result) -> list[AttemptReport]:
    return [attempt for attempt in result.attempts if attempt.reason == "aborted_early"]


def _rejected(result: Result) -> int:
    """Tokens written by attempts that were not kept."""
    return sum(a.usage.output_token_count for a in result.attempts if a.number != result.attempt_number)


def _saved(amounts: Sequence[Sequence[float]]) -> float:
    before, after = (sum(pair[place] for pair in amounts) for place in (0, 1))
    return 1.0 - after / before if before else 0.0


def _table(found: Figures) -> Table:
    table = Table(title="Answers stopped early against answers written to their end", show_header=False)
    interval = " to ".join(f"{100 * end:.1f}" for end in found.latency_saved_interval)
    rows: dict[str, Any] = {
        "prompts": found.prompt_count,
        "requests that shift up": found.escalated_count,
        "attempts stopped": found.stopped_attempt_count,
        "kept answers lost": f"{found.lost_count} of {found.kept_count}",
        "rejected tokens saved": f"{100 * found.rejected_tokens_saved_share:.1f} %",
        "their latency saved": f"{100 * found.latency_saved_share:.1f} % ({interval})",
        "money saved, all requests": f"{100 * found.cost_saved_share:.2f} %",
        "right": f"{100 * found.quality_whole:.1f} % -> {100 * found.quality_stopped:.1f} %",
    }
    for name, value in rows.items():
        table.add_row(name, str(value))
    return table


async def _measure(arguments: argparse.Namespace) -> Figures:
    with tempfile.TemporaryDirectory() as folder:
        learnt = arguments.learnt
        if learnt is None:
            learnt = Path(folder) / "learnt.json"
            save(await learn(arguments.learn, arguments.seed), learnt)
        samples = list(draw(arguments.ask, split="test", seed=arguments.seed))
        async with frontier():
            config = _config(learnt.resolve(), arguments.min_confidence, arguments.latency_usd_per_s)
            pairs = await _pairs(config, samples)
    return figures(pairs, arguments.seed)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.abort", description=__doc__)
    parser.add_argument("--learnt", type=Path, help="what was learnt, instead of learning it now")
    parser.add_argument("--learn", type=int, default=1200, help="prompts to learn from")
    parser.add_argument("--ask", type=int, default=300, help="fresh prompts to ask, at most 1,000")
    parser.add_argument("--min-confidence", type=float, default=0.9, help="confidence that answers must have")
    parser.add_argument("--latency-usd-per-s", type=float, default=0.01, help="what a second is worth")
    parser.add_argument("--seed", type=int, default=2026, help="which prompts are drawn")
    found = asyncio.run(_measure(parser.parse_args()))
    Console().print(_table(found))
    print(json.dumps(asdict(found)))


if __name__ == "__main__":
    main()
