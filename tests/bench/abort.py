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
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from examples.pocket.calibrate import learn
from policies.artefact import save
from policies.threshold import ThresholdOptions
from router.events import AttemptReport, Result
from tests.bench.paired import Pair, paired, rejected_tokens, saved_interval, saved_share


@dataclass(frozen=True, slots=True)
class Figures:
    """Shares in [0, 1]. What was saved is of requests that shift up; intervals are 95 %, by bootstrap.

    ``lost_count`` of ``kept_count`` answers were stopped though they were kept when written to their end.
    """

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


def figures(pairs: Sequence[Pair], seed: int) -> Figures:
    """Sum up."""
    up = [pair for pair in pairs if pair.went_up]
    latencies = [(pair.plain.latency_s, pair.other.latency_s) for pair in up]
    return Figures(
        prompt_count=len(pairs),
        escalated_count=len(up),
        stopped_attempt_count=sum(len(_stopped(pair.other)) for pair in pairs),
        kept_count=sum(pair.plain.tier != "frontier" for pair in pairs),
        lost_count=sum(attempt.tier == pair.plain.tier for pair in pairs for attempt in _stopped(pair.other)),
        rejected_tokens_saved_share=saved_share(
            [(rejected_tokens(pair.plain), rejected_tokens(pair.other)) for pair in up]
        ),
        latency_saved_share=saved_share(latencies),
        latency_saved_interval=saved_interval(latencies, seed),
        cost_saved_share=saved_share([(p.plain.cost_usd_micros, p.other.cost_usd_micros) for p in pairs]),
        quality_whole=float(np.mean([pair.plain_right for pair in pairs])),
        quality_stopped=float(np.mean([pair.other_right for pair in pairs])),
    )


def _stopped(result: Result) -> list[AttemptReport]:
    return [attempt for attempt in result.attempts if attempt.reason == "aborted_early"]


def _table(found: Figures) -> Table:
    table = Table(title="Answers stopped early against answers written to their end", show_header=False)
    interval = " to ".join(f"{100 * end:.1f}" for end in found.latency_saved_interval)
    rows = {
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
    whole = ThresholdOptions(
        min_confidence=arguments.min_confidence,
        latency_usd_per_s=arguments.latency_usd_per_s,
        stop_early=False,
    )
    stopped = whole.model_copy(update={"stop_early": True})
    with tempfile.TemporaryDirectory() as folder:
        learnt = arguments.learnt
        if learnt is None:
            learnt = Path(folder) / "learnt.json"
            save(await learn(arguments.learn, arguments.seed), learnt)
        pairs = await paired(learnt, whole, stopped, count=arguments.ask, seed=arguments.seed)
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
