"""A cascade of edge and frontier, served with probes and without, on prompts that nothing was fitted on."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import fmean, median
from typing import Any

import numpy as np

from examples.pocket.calibrate import LEARNT
from examples.pocket.tasks import grade
from policies.artefact import load, save
from policies.fit_refinement import fit_refinements
from policies.folds import assign_folds
from policies.probes.refinement import Refinements
from router.config.model import ProbeConfig
from tests.bench.probes.collect import Seen, answered
from tests.bench.probes.house import frontier, house, probe, started

LADDER = ("edge", "frontier")


@dataclass(frozen=True, slots=True)
class Served:
    """How one way to serve did; costs in millionths of a dollar a request."""

    label: str
    request_count: int
    share_right: float
    cost_usd_micros: float
    share_shifted_up: float
    share_probed: float
    latency_ms: float

    def to_json(self) -> dict[str, Any]:
        """As an object."""
        return asdict(self)


async def serve(seen: Sequence[Seen], count: int, seed: int) -> list[Served]:
    """Serve the same prompts without probes, with samples where ``seen`` shows their use, and as told."""
    learnt, told = probe("samples", count=3), probe("samples", count=3, usefulness=0.05)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "learnt.json"
        save(replace(load(LEARNT), refinements=_refinements(seen)), path)
        async with frontier():
            return [
                await _served("threshold", [], path, count, seed),
                await _served("with samples, if found useful", [learnt], path, count, seed),
                await _served("with samples, said to be useful", [told], path, count, seed),
            ]


def _refinements(seen: Sequence[Seen]) -> Refinements:
    kept = [one for one in seen if one.report.probes]
    folds = assign_folds([one.prompt for one in kept], count=5, seed=0)
    base = np.array([one.report.confidence or 0.0 for one in kept])
    right = np.array([float(one.right) for one in kept])
    fitted = fit_refinements(base, [one.report.signals for one in kept], right, folds)
    return Refinements({} if fitted is None else {"edge": fitted})


async def _served(label: str, probes: Sequence[ProbeConfig], learnt: Path, count: int, seed: int) -> Served:
    async with started(house(LADDER, probes, learnt, fixed=False)) as router:
        pairs = [pair async for pair in answered(router, count, seed)]
    return Served(
        label,
        len(pairs),
        fmean(float(grade(sample, result.text)) for sample, result in pairs),
        fmean(float(result.cost_usd_micros) for _, result in pairs),
        fmean(float(len(result.attempts) > 1) for _, result in pairs),
        fmean(float(bool(result.attempts[0].probes)) for _, result in pairs),
        1000.0 * median(result.latency_s for _, result in pairs),
    )
