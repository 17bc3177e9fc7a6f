"""Policies on recorded outcomes of real models: ``python -m tests.bench.routing``.

Evaluates every ladder of a folder of outcomes (``UPSHIFT_OUTCOMES``, else ../shared/data/outcomes),
prints one table, and saves it beside every figure as ``out/bench-routing.{txt,json}`` with the
command and the commit. Where the folder is absent it says so and does nothing. Takes minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from policies.bootstrap import Figure
from policies.derive import with_text_signals
from router.evaluate import Settings, evaluate, pose
from router.evaluate.evaluation import Evaluation
from router.evaluate.splits import fold_splits
from router.evaluate.table import shown
from router.outcomes import read_outcomes
from tests.bench.votes import VoteFigures, votes

ROOT = Path(__file__).parents[2]
OUT = ROOT / "out"
_VOTES = "date-votes.jsonl.gz"


@dataclass(frozen=True, slots=True)
class Ladder:
    """A ladder of ``ladders.json``; ``tiers`` None: all in the file, ``costs`` None: as recorded."""

    name: str
    file: str
    tiers: tuple[str, ...] | None
    costs: tuple[float, ...] | None

    @classmethod
    def of(cls, entry: Mapping[str, Any]) -> Ladder:
        """Read one entry."""
        tiers, costs = entry["tiers"], entry.get("relative_cost")
        is_listed = isinstance(tiers, list)
        return cls(entry["name"], entry["file"], tuple(tiers) if is_listed else None, costs and tuple(costs))


def folder() -> Path:
    """Where the outcomes are."""
    return Path(os.environ.get("UPSHIFT_OUTCOMES", ROOT.parent / "shared" / "data" / "outcomes"))


def measure(ladder: Ladder, data: Path, *, row_count: int | None, seed: int) -> Evaluation:
    """Evaluate one ladder by five folds; on its first ``row_count`` records where that is given."""
    records = with_text_signals(read_outcomes(data / ladder.file)[:row_count])
    tiers = ladder.tiers or sorted({tier for record in records for tier in record.outcomes})
    problem = pose(records, tiers, ladder.costs)
    splits = fold_splits(problem.groups, count=5, seed=seed)
    return evaluate(problem, splits, Settings(seed=seed), lambda _: None)


def table_of(found: Mapping[str, Evaluation]) -> Table:
    """One row a ladder and policy."""
    table = Table(
        title="Area under quality against cost; cost to match the top tier, knob set on other records"
    )
    for name in ("ladder", "policy", "area", "over the hull", "cost share", "quality change"):
        table.add_column(name, justify="left" if name in ("ladder", "policy") else "right")
    for name, evaluation in found.items():
        table.add_row(name, "hull of single tiers", shown(evaluation.hull_area))
        for policy, figures in evaluation.policies.items():
            match = figures.match_top[0.0]
            cells = (figures.area, figures.area_over_hull, match.cost_share, match.quality_change)
            table.add_row("", policy.replace("_", " "), *(shown(figure) for figure in cells))
        table.add_section()
    return table


def signs_table(found: Mapping[str, Evaluation]) -> Table:
    """How well the cheapest tier's answer is told right from wrong, and APGR, by moment."""
    table = Table(
        title="The cheapest tier: AUROC of right and of harm, APGR against the top, certified savings"
    )
    for name in ("ladder", "moment", "right", "harm", "APGR", "certified 1/2/5 %"):
        table.add_column(name, justify="left" if name in ("ladder", "moment") else "right")
    for name, evaluation in found.items():
        tier = next(iter(evaluation.tiers.values()))
        for place, moment in enumerate(tier.auroc_right):
            escalation = evaluation.escalation.get(moment)
            table.add_row(
                "" if place else name,
                moment.replace("_", " "),
                shown(tier.auroc_right[moment]),
                shown(tier.auroc_harm.get(moment, Figure(None))),
                shown(escalation.apgr) if escalation else "",
                "" if place else " / ".join(_saving(row.saving) for row in evaluation.certified),
            )
        table.add_section()
    return table


def votes_table(found: Sequence[VoteFigures]) -> Table:
    """Agreement of samples as confidence."""
    table = Table(title="Agreement of samples: AUROC that the first one is right")
    for name in ("sampler", "right", "3 samples", "all samples"):
        table.add_column(name, justify="left" if name == "sampler" else "right")
    for row in found:
        table.add_row(row.sampler, f"{row.share_right:.3f}", shown(row.of_three), shown(row.of_all))
    return table


def _saving(saving: float | None) -> str:
    return "–" if saving is None else f"{100 * saving:.0f} %"


def _save(found: Mapping[str, Evaluation], tables: Sequence[Table], seconds: Mapping[str, float]) -> None:
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    command = shlex.join(["python", "-m", "tests.bench.routing", *sys.argv[1:]])
    OUT.mkdir(exist_ok=True)
    with (OUT / "bench-routing.txt").open("w", encoding="utf-8") as file:
        file.write(f"{command}\ncommit {commit}\n\n")
        console = Console(file=file, width=160)
        for table in tables:
            console.print(table)
    document = {
        "command": command,
        "commit": commit,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "seconds": dict(seconds),
        "ladders": {name: evaluation.to_json() for name, evaluation in found.items()},
    }
    (OUT / "bench-routing.json").write_text(json.dumps(document, indent=1, allow_nan=False), encoding="utf-8")


def main() -> None:
    """Measure, print and save."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.routing", description=__doc__)
    parser.add_argument("--ladder", action="append", help="only this ladder; repeat it for several")
    parser.add_argument("--rows", type=int, help="only the first so many records of each file")
    parser.add_argument("--seed", type=int, default=0, help="draws folds and resamples")
    arguments = parser.parse_args()
    data = folder()
    if not (data / "ladders.json").is_file():
        print(f"skipped: no outcomes in {data}; set UPSHIFT_OUTCOMES to a folder with ladders.json")
        return
    entries = json.loads((data / "ladders.json").read_text(encoding="utf-8"))
    found, seconds = {}, {}
    for ladder in map(Ladder.of, entries):
        if arguments.ladder and ladder.name not in arguments.ladder:
            continue
        started = time.monotonic()
        found[ladder.name] = measure(ladder, data, row_count=arguments.rows, seed=arguments.seed)
        seconds[ladder.name] = round(time.monotonic() - started, 1)
        print(f"{ladder.name}: {seconds[ladder.name]:.0f} s", file=sys.stderr)
    tables = [table_of(found), signs_table(found)]
    if (data / _VOTES).is_file():
        tables.append(votes_table(votes(data / _VOTES, seed=arguments.seed)))
    for table in tables:
        Console(width=160).print(table)
    _save(found, tables, seconds)


if __name__ == "__main__":
    main()
