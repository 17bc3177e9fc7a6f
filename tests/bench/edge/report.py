"""The figures as people and programs read them."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.bench.edge.figures import Figures, Mark, marks
from tests.bench.edge.rounds import Round
from tests.bench.edge.sources import llama_cpp_version

_COLUMNS: dict[str, Callable[[Round], float]] = {
    "tokens/s": lambda one: one.tokens_per_s,
    "first token s": lambda one: one.first_token_s,
    "p95 s": lambda one: one.first_token_p95_s,
    "between tokens ms": lambda one: 1e3 * one.inter_token_s,
    "server CPU s": lambda one: one.cpu_s,
    "asker CPU s": lambda one: one.asker_cpu_s,
}


def print_figures(figures: Figures, console: Console) -> None:
    """Draw the tables."""
    console.print(_servers(figures))
    for name, why in figures.missing.items():
        console.print(f"left out: {name}: {why}")
    console.print(
        f"one token reads {figures.read_byte_count / 1e6:.0f} MB; "
        f"memory gives {figures.bandwidth / 1e9:.1f} GB/s; "
        f"a log-probability takes {1e3 * figures.statistics_s:.2f} ms"
    )
    table = Table("", "", "mark", "", title="against the marks")
    for mark in marks(figures):
        table.add_row(*_mark_row(mark))
    console.print(table)


def json_of(figures: Figures) -> dict[str, Any]:
    """Give the figures as one JSON object."""
    return {
        "machine": {"cores": os.cpu_count(), "processor": _processor(), "python": platform.python_version()},
        "llama_cpp_python": llama_cpp_version(),
        **asdict(figures),
        "marks": [asdict(mark) | {"verdict": mark.verdict} for mark in marks(figures)],
    }


def _servers(figures: Figures) -> Table:
    table = Table("N", "server", *_COLUMNS, title="medians, and least to most of the rounds")
    for count, servers in figures.rounds.items():
        for name, rounds in servers.items():
            cells = (_spread([value(one) for one in rounds]) for value in _COLUMNS.values())
            table.add_row(str(count), name, *cells)
        table.add_section()
    return table


def _spread(values: list[float]) -> str:
    middle, least, most = map(_short, (statistics.median(values), min(values), max(values)))
    return middle if least == most else f"{middle} ({least} to {most})"


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _mark_row(mark: Mark) -> tuple[str, str, str, str]:
    figure = "-" if mark.figure is None else f"{mark.figure:.3f}"
    return mark.name, figure, f"{'≥' if mark.at_least else '≤'} {mark.bound:g}", mark.verdict


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor())
