"""Whether samples that agree are right: repeated answers of one model, the first judged by the others."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from policies.bootstrap import Figure, figure, resample_weights
from policies.resampled import auroc_of
from policies.signals.agreement import Reading, read, sample_agreement

_LEAST = 10


@dataclass(frozen=True, slots=True)
class VoteFigures:
    """One way of sampling: how often its first answer was right, and how well agreement tells so."""

    sampler: str
    share_right: float
    of_three: Figure
    of_all: Figure


def votes(path: Path, *, seed: int) -> list[VoteFigures]:
    """Measure every way of sampling that gave ten answers to a prompt, on all prompts of ``path``."""
    with gzip.open(path) as file:
        rows = [json.loads(line) for line in file]
    return list(_measured(rows, seed))


def _measured(rows: Sequence[Mapping[str, Any]], seed: int) -> Iterator[VoteFigures]:
    for sampler, samples in rows[0]["samples"].items():
        if len(samples) < _LEAST:
            continue
        answered = [row for row in rows if row["samples"].get(sampler)]
        # A program that failed left nothing.
        drawn = [[read(text or "") for text in row["samples"][sampler]] for row in answered]
        truths = [read(row["answer"]) for row in answered]
        right = np.array([_agree(one[0], [truth]) for one, truth in zip(drawn, truths, strict=True)])
        weights = resample_weights([str(place) for place in range(len(drawn))], count=1000, seed=seed)
        three = np.array([_agree(one[0], one[1:3]) for one in drawn])
        every = np.array([_agree(one[0], one[1:]) for one in drawn])
        yield VoteFigures(
            sampler,
            float(right.mean()),
            figure(auroc_of(three, right), weights),
            figure(auroc_of(every, right), weights),
        )


def _agree(first: Reading, others: Sequence[Reading]) -> float:
    return sample_agreement(first, others).get("sample_agreement_share", 0.0)
