"""Measures the shipped files on fresh test prompts: `python -m examples.pocket.evaluate edge local frontier`.

Decides what is counted and how sure one may be of it. Each member answers through the engine that serves it:
llama.cpp for GGUF, transformers for the mixture of experts.
"""

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table
from transformers import AutoModelForCausalLM, AutoTokenizer

from examples.pocket.answering import MAX_NEW_TOKENS, answer_greedily
from examples.pocket.tasks import KINDS, LEVELS, Sample, draw, grade
from examples.pocket.tokenizer import CONTEXT_LENGTH, answer_of
from examples.pocket.weights import EDGE, FRONTIER, LOCAL

_Z = 1.96
_LOCAL_BATCH = 48


@dataclass(frozen=True, slots=True)
class Score:
    """How many answers of how many were right."""

    right: int
    count: int

    @property
    def accuracy(self) -> float:
        """The share of right answers, 0 to 1."""
        return self.right / self.count

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the accuracy, after Wilson (1927), "Probable inference"."""
        share, spread = self.accuracy, _Z * _Z / self.count
        middle = (share + spread / 2) / (1 + spread)
        half = _Z / (1 + spread) * (share * (1 - share) / self.count + spread / (4 * self.count)) ** 0.5
        return max(0.0, middle - half), min(1.0, middle + half)


def gguf_answers(path: Path, prompts: list[str], threads: int) -> Iterator[str]:
    """Yields what llama.cpp writes for each prompt, greedily, from the file at `path`."""
    from llama_cpp import Llama  # an optional engine: the other members need not have it

    engine = Llama(str(path), n_ctx=CONTEXT_LENGTH, n_threads=threads, flash_attn=False, verbose=False)
    for prompt in prompts:
        message = {"role": "user", "content": prompt}
        reply = engine.create_chat_completion([message], temperature=0.0, max_tokens=MAX_NEW_TOKENS)
        yield reply["choices"][0]["message"]["content"]
    engine.close()


def _folder_answers(path: Path, prompts: list[str], threads: int) -> Iterator[str]:
    torch.set_num_threads(threads)
    model = AutoModelForCausalLM.from_pretrained(path, local_files_only=True).eval()
    tokenizer = AutoTokenizer.from_pretrained(path, local_files_only=True)
    for start in range(0, len(prompts), _LOCAL_BATCH):
        yield from answer_greedily(model, tokenizer, prompts[start : start + _LOCAL_BATCH])


_ENGINES = {
    "edge": (gguf_answers, EDGE),
    "local": (_folder_answers, LOCAL),
    "frontier": (gguf_answers, FRONTIER),
}


def answers(name: str, samples: list[Sample], *, threads: int) -> Iterator[tuple[Sample, str]]:
    """Yields each sample with what the shipped member writes for it, greedily."""
    engine, path = _ENGINES[name]
    yield from zip(samples, engine(path, [sample.prompt for sample in samples], threads), strict=True)


def scores(answered: list[tuple[Sample, str]]) -> dict[tuple[str, int], Score]:
    """Returns the score of every kind at every level that was asked for."""
    marks: defaultdict[tuple[str, int], list[bool]] = defaultdict(list)
    for sample, text in answered:
        marks[sample.kind, sample.level].append(grade(sample, answer_of(text)))
    return {cell: Score(sum(right), len(right)) for cell, right in marks.items()}


def total(parts: list[Score]) -> Score:
    """Returns the score over all parts."""
    return Score(sum(part.right for part in parts), sum(part.count for part in parts))


def report(name: str, cells: dict[tuple[str, int], Score], wall_s: float) -> dict[str, object]:
    """Returns what `--json` prints for one member."""
    overall = total(list(cells.values()))
    return {
        "member": name,
        "requests": overall.count,
        "accuracy": round(overall.accuracy, 4),
        "interval": [round(bound, 4) for bound in overall.interval],
        "wall_s": round(wall_s, 1),
        "cells": {
            f"{kind} {level}": round(score.accuracy, 3) for (kind, level), score in sorted(cells.items())
        },
    }


def _table(name: str, cells: dict[tuple[str, int], Score]) -> Table:
    table = Table("kind", *(f"level {level}" for level in LEVELS), "all", title=name)
    for kind in KINDS:
        row = [cells[kind, level] for level in LEVELS if (kind, level) in cells]
        table.add_row(kind, *(f"{score.accuracy:.0%}" for score in [*row, total(row)]))
    columns = [total([cells[kind, level] for kind in KINDS]) for level in LEVELS]
    overall = total(columns)
    low, high = overall.interval
    last = f"{overall.accuracy:.1%} ({low:.1%} to {high:.1%})"
    table.add_row("all", *(f"{score.accuracy:.0%}" for score in columns), last)
    return table


def _evaluate(name: str, samples: list[Sample], threads: int, console: Console, as_json: bool) -> None:
    started = time.perf_counter()
    replies = answers(name, samples, threads=threads)
    answered = list(track(replies, total=len(samples), description=name, console=console))
    cells, wall_s = scores(answered), time.perf_counter() - started
    if as_json:
        print(json.dumps(report(name, cells, wall_s)))
    else:
        console.print(_table(name, cells), f"{wall_s:.1f} s")


def main() -> None:
    """Reads the command line and evaluates."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("members", nargs="+", choices=_ENGINES)
    parser.add_argument("--count", type=int, default=1200)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="one JSON object a member on standard output")
    settings = parser.parse_args()
    samples = list(draw(settings.count, split="test", seed=settings.seed))
    console = Console(stderr=settings.json)
    for name in settings.members:
        _evaluate(name, samples, settings.threads, console, settings.json)


if __name__ == "__main__":
    main()
