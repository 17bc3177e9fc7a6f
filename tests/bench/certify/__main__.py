"""Counts how often certificates break their word: ``python -m tests.bench.certify``.

Three tables: made-up traffic of which everything is known, recorded outcomes of real models whose
every record is known, and drift under the monitor. The last line is one JSON object, also written to
out/certify.json with the command and the commit.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from policies.guarantee.monitor import HORIZON
from policies.guarantee.terms import Test
from tests.bench.certify import drift, recorded, resample
from tests.bench.certify.resample import Cell

ROOT = Path(__file__).parents[3]
OUTCOMES = Path(os.environ.get("UPSHIFT_OUTCOMES", ROOT.parent / "shared" / "data" / "outcomes"))
_CELLS = (
    Cell(0.01, 0.8, 3000),
    Cell(0.01, 0.9, 3000),
    Cell(0.02, 0.7, 3000),
    Cell(0.02, 0.8, 3000),
    Cell(0.02, 0.9, 3000),
    Cell(0.02, 0.8, 3000, Test.GRADED),
    Cell(0.01, 0.8, 10_000),
    Cell(0.02, 0.8, 10_000),
)
_LADDERS = ("mmlu-pro-a", "mmlu-pro-b", "llmrouter")
_STREAMS = (
    drift.Stream("at the bound, harm only", (0.02, 0.0), (0.02, 0.0), HORIZON),
    drift.Stream("at the bound, harm 5 %, gain 3 %", (0.05, 0.03), (0.05, 0.03), HORIZON),
    drift.Stream("1 % -> 5 % at once", (0.01, 0.0), (0.05, 0.0), 0),
    drift.Stream("1 % -> 5 % after 1,000", (0.01, 0.0), (0.05, 0.0), 1000),
    drift.Stream("2 - 1 % -> 6 - 1 % after 1,000", (0.02, 0.01), (0.06, 0.01), 1000),
)


def main() -> None:
    """Measure, print, and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--samples", type=int, default=1000, help="samples a row")
    parser.add_argument("--runs", type=int, default=1000, help="streams a row of drift")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--part", choices=("simulated", "recorded", "drift"), help="measure only this")
    parser.add_argument("--out", type=Path, default=ROOT / "out" / "certify.json")
    arguments = parser.parse_args()
    started_s = time.monotonic()
    parts: dict[str, Callable[[], object]] = {
        "simulated": lambda: _simulated(arguments.samples, arguments.seed),
        "recorded": lambda: _recorded(arguments.samples, arguments.seed),
        "drift": lambda: _drift(arguments.runs, arguments.seed),
    }
    measured = {name: part() for name, part in parts.items() if arguments.part in (None, name)}
    document = {
        "command": " ".join(sys.argv),
        "commit": _commit(),
        "took_s": round(time.monotonic() - started_s, 1),
        **measured,
    }
    arguments.out.parent.mkdir(exist_ok=True)
    arguments.out.write_text(json.dumps(document, indent=1) + "\n")
    print(json.dumps(document))


def _simulated(sample_count: int, seed: int) -> list[dict[str, object]]:
    rows = []
    table = Table(title="Made-up traffic: % saved (% of samples over the bound)")
    for name in ("bound", "AUROC", "labels", "test", "fixed .7", "plug-in", "certified", "oracle", "share"):
        table.add_column(name, justify="right")
    for cell in _CELLS:
        found = resample.measure(cell, sample_count, seed)
        ways = (found.fixed, found.plug_in, found.certified)
        table.add_row(
            f"{100 * cell.max_loss:g} %",
            f"{cell.auroc:g}",
            f"{cell.label_count:,}",
            cell.test.value,
            *(f"{100 * way.saving:.0f} ({100 * way.violation_rate:.1f})" for way in ways),
            f"{100 * found.oracle_saving:.0f}",
            f"{100 * found.oracle_share:.0f} %",
        )
        rows.append(asdict(found) | {"oracle_share": found.oracle_share})
    Console(stderr=True, width=110).print(table)
    return rows


def _recorded(sample_count: int, seed: int) -> list[dict[str, object]]:
    if not OUTCOMES.is_dir():
        print(f"recorded outcomes skipped: no folder {OUTCOMES}; set UPSHIFT_OUTCOMES", file=sys.stderr)
        return []
    rows = []
    table = Table(title="Recorded outcomes: % saved (% of samples over the bound)")
    for name in ("ladder", "bound", "labels", "plug-in", "certified", "oracle"):
        table.add_column(name, justify="left" if name == "ladder" else "right")
    for ladder in _LADDERS:
        seen = recorded.population(OUTCOMES, ladder, 0.05)
        for max_loss in (0.02, 0.05):
            found = recorded.measure(seen, max_loss, 3000, sample_count, seed)
            table.add_row(
                ladder,
                f"{100 * max_loss:g} %",
                f"{found.label_count:,}",
                f"{100 * found.plug_in_saving:.0f} ({100 * found.plug_in_violation_rate:.1f})",
                f"{100 * found.certified_saving:.0f} ({100 * found.violation_rate:.1f})",
                f"{100 * found.oracle_saving:.0f}",
            )
            rows.append(asdict(found))
    Console(stderr=True, width=110).print(table)
    return rows


def _drift(run_count: int, seed: int) -> dict[str, object]:
    table = Table(title=f"Audits at a bound of 2 %, {HORIZON:,} of them, false alarms allowed: 5 %")
    for name in ("stream", "false alarms", "median audits to the alarm", "nine in ten"):
        table.add_column(name, justify="left" if name == "stream" else "right")
    rows = [drift.watch(stream, 0.02, run_count, seed) for stream in _STREAMS]
    for found in rows:
        delays = (found.median_delay, found.slow_delay)
        shown = ["-" if delay is None else f"{delay:,}" for delay in delays]
        table.add_row(found.name, f"{100 * found.false_alarm_rate:.1f} %", *shown)
    Console(stderr=True, width=110).print(table)
    agreement = drift.agree(0.1, run_count, seed)
    print(f"agreement 10 points under prediction: suspected after {agreement} escalations", file=sys.stderr)
    return {"streams": [asdict(found) for found in rows], "agreement_median_escalations": agreement}


def _commit() -> str:
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


if __name__ == "__main__":
    main()
