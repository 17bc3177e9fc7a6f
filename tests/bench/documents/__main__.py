"""``make bench-documents``: fidelity against cost on public samples, and pages a second.

``python -m tests.bench.documents --data DIR [tables whole scans pages parity pace kills]``. Prints a table,
and one JSON object as the last line.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

from rich.console import Console
from rich.table import Table

from router.documents.engines.base import Engine
from router.documents.engines.local import LocalEngine
from router.documents.engines.profiles import LOCAL_ENGINES
from router.documents.verify.confidence import Curve
from router.documents.workers import Workers
from tests.bench.documents import parity, replay, routing, scans, tables, throughput, whole_pages
from tests.router.documents.test_crash import assert_survives_kills

T = TypeVar("T")
Engines = Mapping[str, Engine]
_MEMORY_BYTES = 6_000_000_000


@dataclass(frozen=True, slots=True)
class Told:
    """What a part found: ``rows`` for people (what, measured, wanted), ``figures`` for machines.

    ``curves`` are those of its confidence, fitted on all cases.
    """

    rows: Sequence[tuple[str, str, str]]
    figures: Mapping[str, Any]
    curves: Mapping[str, Curve] = field(default_factory=dict)


def main() -> None:
    """Run the parts that are asked for, all by default."""
    words = argparse.ArgumentParser(prog="bench-documents", description=__doc__)
    words.add_argument("parts", nargs="*", choices=[*_PARTS, []], help="what to measure; default: all")
    words.add_argument("--data", type=Path, required=True, help="folder of the samples, one a data set")
    words.add_argument("--pages", type=int, default=1000, help="pages of the long PDF")
    words.add_argument("--kills", type=int, default=50, help="how often a run is killed")
    words.add_argument("--curves", action="store_true", help="print curves as weights.json has them")
    given = words.parse_args()
    console = Console()
    found: dict[str, Any] = {}
    shown = Table(title="documents")
    for heading in ("", "measured", "wanted"):
        shown.add_column(heading)
    for part in given.parts or _PARTS:
        with Console(stderr=True).status(part):
            told = _PARTS[part](given)
        for row in told.rows:
            shown.add_row(*row)
        shown.add_section()
        found[part] = told.figures
        if given.curves:
            _print_curves(told.curves)
    console.print(shown)
    print(json.dumps({**found, "python": platform.python_version()}))


def _with_engines(measure: Callable[[Path, Engines], Awaitable[T]], folder: Path) -> T:
    async def run() -> T:
        async with Workers(1, _MEMORY_BYTES, tasks_per_worker=10_000) as workers:
            engines = {profile.name: LocalEngine(profile, workers, 0.04) for profile in LOCAL_ENGINES}
            return await measure(folder, engines)

    return asyncio.run(run())


def _tables(given: argparse.Namespace) -> Told:
    found = _with_engines(tables.measure, given.data / "icdar2013_tables")
    title = f"{found.case_count} tables of ICDAR 2013, regions given: adjacency F1"
    rows = [
        *((f"{title}, {name} alone", f"{f1:.3f}", "") for name, f1 in found.alone.items()),
        (f"{title}, routed", f"{found.f1:.3f}", ">= .87"),
        ("of them accepted", f"{found.accepted_share:.0%}", ">= 60 %"),
        ("of those right (F1 >= .9)", f"{found.accepted_right:.0%}", ">= 85 %"),
        ("the table model was asked for", f"{found.model_share:.0%}", ""),
    ]
    return Told(rows, _plain(found), found.curves)


def _whole(given: argparse.Namespace) -> Told:
    found = _with_engines(whole_pages.measure, given.data / "icdar2013_tables")
    title = f"{found.document_count} whole documents of ICDAR 2013, {found.found_count} tables found"
    rows = [
        (f"{title} of {found.table_count}: F1", f"{found.f1:.3f}", ">= .87"),
        ("precision, recall", f"{found.precision:.3f}, {found.recall:.3f}", ""),
        ("mean F1 of documents", f"{found.document_f1:.3f}", ""),
    ]
    return Told(rows, asdict(found))


def _scans(given: argparse.Namespace) -> Told:
    found = _with_engines(scans.measure, given.data / "sroie")
    title = f"{found.receipt_count} receipts of SROIE: total found"
    rows = [
        *((f"{title}, {name} alone", f"{share:.1%}", "") for name, share in found.alone.items()),
        (f"{title}, routed", f"{found.found:.1%}", ">= 95 %"),
        ("cost, of always RapidOCR's: nominal", f"{found.cost_share:.0%}", "<= 40 %"),
        ("cost, of always RapidOCR's: CPU time here", f"{found.measured_cost_share:.0%}", "<= 40 %"),
        ("read again by RapidOCR", f"{found.escalated:.0%}", ""),
    ]
    return Told(rows, _plain(found), found.curves)


def _pages(given: argparse.Namespace) -> Told:
    data = replay.load(given.data / "odlbench")
    strong, hybrid = [replay.STRONG], [replay.HYBRID, replay.STRONG]
    fixed = [routing.fixed(data, name) for name in (replay.CHEAP, replay.STRONG, replay.HYBRID)]
    oracles = [routing.oracle(data, strong), routing.oracle(data, hybrid)]
    wanted = {">= .87 at 60 %": routing.routed(data, strong, 0.58)}
    wanted |= {"stretch: .885 at 45 %": routing.routed(data, hybrid, 0.43)}
    points = [("", point) for point in (*fixed, *oracles)] + list(wanted.items())
    title = f"{len(data.pages)} pages of odlbench"
    rows = [
        (f"{title}: {point.name}", f"{point.fidelity:.4f} at {point.cost:.0%}", mark)
        for mark, point in points
    ]
    return Told(rows, {point.name: asdict(point) for _, point in points})


def _parity(given: argparse.Namespace) -> Told:
    found = list(parity.measure(given.data))
    rows = [
        (
            f"{one.document_count} {one.kind}: likeness to docling's output",
            f"{one.likeness:.3f}, {one.alike_share:.0%} alike",
            "",
        )
        for one in found
    ]
    return Told(rows, {one.kind: asdict(one) for one in found})


def _pace(given: argparse.Namespace) -> Told:
    with tempfile.TemporaryDirectory() as folder, ProcessPoolExecutor(1, get_context("spawn")) as pool:
        found = pool.submit(throughput.measure, Path(folder), given.pages).result()
    rows = [
        (f"{found.page_count} pages: pages a CPU second", f"{found.pages_per_cpu_second:.0f}", ""),
        (
            "a worker's memory before and at its most",
            f"{found.before_mib:.0f}, {found.after_mib:.0f} MiB",
            "",
        ),
    ]
    return Told(rows, asdict(found))


def _kills(given: argparse.Namespace) -> Told:
    with tempfile.TemporaryDirectory() as folder:
        assert_survives_kills(Path(folder), given.kills, seed=11)
    return Told(
        [(f"{given.kills} kill -9: steps redone, bytes changed", "none", "none")], {"count": given.kills}
    )


def _plain(found: tables.TableFigures | scans.ScanFigures) -> dict[str, Any]:
    figures = asdict(found)
    del figures["curves"]
    return figures


def _print_curves(curves: Mapping[str, Curve]) -> None:
    """In the form of ``router/documents/verify/weights.json``, fitted on all cases."""
    for name, curve in curves.items():
        terms = {score: list(pair) for score, pair in curve.terms.items()}
        print(f'"{name}": {json.dumps({"intercept": curve.intercept, "terms": terms})}')


_PARTS: Mapping[str, Callable[[argparse.Namespace], Told]] = {
    "tables": _tables,
    "whole": _whole,
    "scans": _scans,
    "pages": _pages,
    "parity": _parity,
    "pace": _pace,
    "kills": _kills,
}

if __name__ == "__main__":
    main()
