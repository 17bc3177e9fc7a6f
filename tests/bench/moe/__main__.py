"""Measures offloading on this machine: ``python -m tests.bench.moe``.

Runs each model resident with transformers' eager experts, with experts offloaded at several
residencies, tiers and numbers, and as accelerate offloads it where that is installed (the extra
``bench``). ``share`` is how near a run came to 1 / t_bound, t_bound = T_resident + moved bytes /
copy rate, where T_resident is the same code with every expert at hand and the copy rate is measured
on the same tier. Copies and computing overlap, so it may pass 1. Greedy, one sequence.
Prints a table a model, and one JSON object as the last line.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from rich.box import SIMPLE_HEAD
from rich.table import Table
from transformers.utils import logging as transformers_logging

from backends.moe.offload_options import OffloadOptions
from router.cli.screen import screen
from tests.bench.moe.measure import Run, accelerated, copy_rate, eager, offloaded, timed
from tests.bench.moe.models import Subject, subjects

_RESIDENCIES = ("25%", "50%")


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tokens", type=int, default=64, help="tokens a run")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, help="threads that compute; 1 where other work runs beside")
    parser.add_argument("--model", choices=("pocket", "middling"), help="only this one")
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    transformers_logging.disable_progress_bar()
    report: dict[str, Any] = {"device": arguments.device, "threads": torch.get_num_threads()}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for subject in subjects(folder, token_count=4 * arguments.tokens + 500):
            if arguments.model not in {None, subject.name}:
                continue
            report[subject.name] = _measure(subject, folder, arguments.device, arguments.tokens)
    print(json.dumps(report))


def _measure(subject: Subject, folder: Path, device: str, token_count: int) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    with eager(subject, device) as model:
        rows.append(asdict(timed("resident, eager", model, subject, token_count)))
    stores = ("pinned", "ssd") if device != "cpu" else ("pageable", "ssd")
    for weights in ("exact", "int4"):
        base = OffloadOptions(weights=weights, cache_dir=folder / "stores", store=stores[0])
        resident = _run(subject, device, base.model_copy(update={"residency": "100%"}), token_count)
        rows.append(asdict(resident) | {"share": None})
        for store in stores if weights == "exact" else stores[:1]:
            for residency in _RESIDENCIES:
                options = base.model_copy(update={"store": store, "residency": residency})
                run = _run(subject, device, options, token_count)
                rate = copy_rate(subject, device, options)
                rows.append(asdict(run) | {"share": _share(run, resident, rate), "copy_bytes_per_s": rate})
    rows += _peer(subject, folder, device, token_count)
    _print(subject, rows)
    return rows


def _run(subject: Subject, device: str, options: OffloadOptions, token_count: int) -> Run:
    way = f"{options.weights}, {options.store}, {options.residency}"
    with offloaded(subject, device, options) as model:
        return timed(way, model, subject, token_count)


def _share(run: Run, resident: Run, copy_bytes_per_s: float) -> float:
    assert run.moved_bytes_per_token is not None
    bound_s = 1 / resident.tokens_per_second + run.moved_bytes_per_token / copy_bytes_per_s
    return bound_s * run.tokens_per_second


def _peer(subject: Subject, folder: Path, device: str, token_count: int) -> list[dict[str, Any]]:
    if find_spec("accelerate") is None:
        print("accelerate is not installed (pip install 'upshift[bench]'): its offload is left out")
        return []
    # Slow by design; a few tokens tell.
    with accelerated(subject, device, folder) as model:
        return [asdict(timed("accelerate offload", model, subject, max(4, token_count // 8)))]


def _print(subject: Subject, rows: list[dict[str, Any]]) -> None:
    table = Table(title=subject.name, box=SIMPLE_HEAD)
    for heading in ("way", "tokens/s", "hit rate", "MB/token", "share of bound"):
        table.add_column(heading, justify="left" if heading == "way" else "right")
    for row in rows:
        moved = row["moved_bytes_per_token"]
        table.add_row(
            row["way"],
            f"{row['tokens_per_second']:.1f}",
            "" if row["hit_rate"] is None else f"{row['hit_rate']:.1%}",
            "" if moved is None else f"{moved / 1e6:.2f}",
            "" if row.get("share") is None else f"{row['share']:.0%}",
        )
    screen().print(table)


if __name__ == "__main__":
    main()
