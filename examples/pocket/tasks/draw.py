"""Decides which samples exist where: an endless seeded stream, and three splits that can never meet.

A prompt's own hash names its split, so no seed and no later change of the generators can leak a test prompt
into training.
"""

from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from random import Random
from typing import Literal

from examples.pocket.tasks import (
    arithmetic,
    classify,
    dates,
    extract,
    lookup,
    records,
    relations,
    sorting,
)
from examples.pocket.tasks.sample import Sample

Split = Literal["train", "calibrate", "test"]
Cell = tuple[str, int]
"""A kind and a level."""

_MAKERS = {
    "extract": extract.make,
    "date": dates.make,
    "classify": classify.make,
    "lookup": lookup.make,
    "arithmetic": arithmetic.make,
    "sort": sorting.make,
    "relations": relations.make,
    "json": records.make,
}
KINDS = tuple(_MAKERS)
LEVELS = (1, 2, 3)
DRILL_LEVEL = 4
"""For practice only: no work, but much of one skill that the levels need, here finding the right row."""
DRILLED_KINDS = ("lookup", "relations")
_PATIENCE = 20_000


def split_of(prompt: str) -> Split:
    """Returns the split a prompt belongs to: of 20, one is for test, two for calibration."""
    place = sha256(prompt.encode()).digest()[0] % 20
    return "test" if place == 0 else "calibrate" if place < 3 else "train"


def draw(
    count: int,
    *,
    split: Split,
    seed: int,
    kinds: Sequence[str] = KINDS,
    levels: Sequence[int] = LEVELS,
    weights: Mapping[Cell, float] | None = None,
) -> Iterator[Sample]:
    """Yields `count` samples with distinct prompts; kinds and levels are equally likely, or as weighted.

    Equal arguments give equal samples. Raises ValueError when a cell has no more prompts; the smallest,
    `arithmetic` at level 1, has some 5,000, of which 250 are for test.
    """
    rng = Random(f"{split}:{seed}")
    cells = [(kind, level) for kind in kinds for level in levels]
    shares = [(weights or {}).get(cell, 1.0) for cell in cells]
    seen: set[str] = set()
    while len(seen) < count:
        sample = _fresh(rng, rng.choices(cells, shares)[0], split, seen)
        seen.add(sample.prompt)
        yield sample


def _fresh(rng: Random, cell: Cell, split: Split, seen: set[str]) -> Sample:
    kind, level = cell
    for _ in range(_PATIENCE):
        sample = _MAKERS[kind](rng, level)
        if sample.prompt not in seen and split_of(sample.prompt) == split:
            return sample
    raise ValueError(
        f"no more {split} prompts of kind {kind!r} at level {level} after {len(seen)}; ask for fewer"
    )
