"""``make bench-documents``: fidelity against cost on public samples, and pages a second.

``python -m tests.bench.documents --data DIR [tables whole scans pages parity pace kills]``
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from router.documents.engines.base import Engine
from router.documents.engines.local import LocalEngine
from router.documents.engines.profiles import LOCAL_ENGINES
from router.documents.verify.confidence import Curve
from router.documents.workers import Workers
from tests.bench.documents import parity, replay, routing, scans, tables, throughput, whole_pages
from tests.router.documents.test_crash import assert_survives_kills

PARTS = ("tables", "whole", "scans", "pages", "parity", "pace", "kills")
_MEMORY_BYTES = 6_000_000_000


def main() -> None:
    """Run the parts that are asked for, all by default."""
    words = argparse.ArgumentParser(prog="bench-documents", description=__doc__)
    words.add_argument("parts", nargs="*", choices=[*PARTS, []], help="what to measure; default: all")
    words.add_argument("--data", type=Path, required=True, help="folder of the samples, one a data set")
    words.add_argument("--pages", type=int, default=1000, help="pages of the long PDF")
    words.add_argument("--kills", type=int, default=50, help="how often a run is killed")
    given = words.parse_args()
    for part in given.parts or PARTS:
        _RUN[part](given)


def _with_engines(measure: object, folder: Path) -> object:
    async def run() -> object:
        async with Workers(1, _MEMORY_BYTES, tasks_per_worker=10_000) as workers:
            engines: Mapping[str, Engine] = {
                profile.name: LocalEngine(profile, workers, 0.04) for profile in LOCAL_ENGINES
            }
            return await measure(folder, engines)  # type: ignore[operator]

    return asyncio.run(run())


def _tables(given: argparse.Namespace) -> None:
    found = _with_engines(tables.measure, given.data / "icdar2013_tables")
    assert isinstance(found, tables.TableFigures)
    alone = ", ".join(f"{name} {f1:.3f}" for name, f1 in found.alone.items())
    print(f"\n## Tables: {found.case_count} of ICDAR 2013, regions given, adjacency F1")
    print(f"alone: {alone}; routed: {found.f1:.3f}, the model asked for {found.model_share:.0%}")
    print(f"accepted: {found.accepted_share:.0%}, of which {found.accepted_right:.0%} right (F1 >= .9)")
    _print_seconds(found.seconds)
    _print_curves(found.curves)


def _whole(given: argparse.Namespace) -> None:
    found = _with_engines(whole_pages.measure, given.data / "icdar2013_tables")
    assert isinstance(found, whole_pages.WholeFigures)
    print(
        f"\n## Tables: {found.document_count} whole documents of ICDAR 2013, tables found by us\n"
        f"{found.found_count} tables read, {found.table_count} there; precision {found.precision:.3f}, "
        f"recall {found.recall:.3f}, F1 {found.f1:.3f}; mean F1 of documents {found.document_f1:.3f}"
    )


def _scans(given: argparse.Namespace) -> None:
    found = _with_engines(scans.measure, given.data / "sroie")
    assert isinstance(found, scans.ScanFigures)
    alone = ", ".join(f"{name} {share:.1%}" for name, share in found.alone.items())
    print(f"\n## Scans: totals of {found.receipt_count} SROIE receipts")
    print(f"alone: {alone}; routed: {found.found:.1%}, escalated: {found.escalated:.0%}")
    print(
        f"cost of always rapidocr: {found.cost_share:.0%} nominal, {found.measured_cost_share:.0%} measured"
    )
    _print_seconds(found.seconds)
    print(f"threshold chosen on all receipts: {found.threshold:.3f}")
    _print_curves(found.curves)


def _pages(given: argparse.Namespace) -> None:
    data = replay.load(given.data / "odlbench")
    strong, hybrid = [replay.STRONG], [replay.HYBRID, replay.STRONG]
    print(f"\n## Pages: {len(data.pages)} of odlbench, stored outputs; cost of always docling")
    points = [routing.fixed(data, name) for name in (replay.CHEAP, replay.STRONG, replay.HYBRID)]
    points += [routing.oracle(data, strong), routing.oracle(data, hybrid)]
    points += [routing.routed(data, strong, 0.58), routing.routed(data, hybrid, 0.43)]
    for point in points:
        print(f"{point.name:<64} {point.fidelity:.4f} at {point.cost:.0%}", flush=True)


def _parity(given: argparse.Namespace) -> None:
    print("\n## Parity with docling's stored output")
    for found in parity.measure(given.data):
        far = ", ".join(f"{name} {score:.2f}" for name, score in found.furthest)
        print(
            f"{found.kind}: {found.document_count} documents, likeness {found.likeness:.3f}, "
            f"{found.alike_share:.0%} alike; furthest: {far}"
        )


def _pace(given: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as folder, ProcessPoolExecutor(1, get_context("spawn")) as pool:
        found = pool.submit(throughput.measure, Path(folder), given.pages).result()
    print(f"\n## Pace: {found.page_count} pages of text and a table")
    print(
        f"{found.pages_per_cpu_second:.0f} pages a CPU second; a worker's memory peaks at "
        f"{found.after_mib:.0f} MiB ({found.before_mib:.0f} before the first page)"
    )


def _kills(given: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as folder:
        assert_survives_kills(Path(folder), given.kills, seed=11)
    print(f"\n## Kills: {given.kills} at random points: no committed step redone, same bytes at the end")


def _print_seconds(seconds: Mapping[str, float]) -> None:
    print("wall seconds a reading: " + ", ".join(f"{name} {one:.2f}" for name, one in seconds.items()))


def _print_curves(curves: Mapping[str, Curve]) -> None:
    """In the form of ``router/documents/verify/weights.json``, fitted on all cases."""
    for name, curve in curves.items():
        terms = {score: list(pair) for score, pair in curve.terms.items()}
        print(f'"{name}": {json.dumps({"intercept": curve.intercept, "terms": terms})}')


_RUN = {
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
