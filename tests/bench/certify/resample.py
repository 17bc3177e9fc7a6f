"""Certification on samples of made-up traffic, each judged on the traffic it was drawn from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from policies.guarantee.certify import Certified, Evidence, certify
from policies.guarantee.path import choose_path
from policies.guarantee.split import DESIGN_SHARE
from policies.guarantee.terms import Terms, Test
from policies.odds import Floats
from tests.bench.certify.simulation import TOP_COST, Calibration, Traffic, outcomes, traffic

POPULATION_COUNT = 20_000
_THRESHOLDS = np.linspace(1.0, 0.3, 141)
_EVERY_THIRD = _THRESHOLDS[::3]
_FIXED = 0.7


@dataclass(frozen=True, slots=True)
class Cell:
    """One row of the table: the loss allowed, the sharpness of the scores, and labels a sample."""

    max_loss: float
    auroc: float
    label_count: int
    test: Test = Test.NET


@dataclass(frozen=True, slots=True)
class Rate:
    """Mean share of cost saved, and the share of samples whose true loss is over the bound."""

    saving: float
    violation_rate: float


@dataclass(frozen=True, slots=True)
class Measured:
    """What three ways to choose did over all samples, and the best that the rule can save."""

    cell: Cell
    fixed: Rate
    plug_in: Rate
    certified: Rate
    oracle_saving: float

    @property
    def oracle_share(self) -> float:
        """Share of what could be saved that the certificate saves."""
        return self.certified.saving / self.oracle_saving


def measure(cell: Cell, sample_count: int, seed: int) -> Measured:
    """Draw ``sample_count`` samples; the population depends on the scores' sharpness and ``seed`` alone."""
    everyone = traffic(POPULATION_COUNT, cell.auroc, np.random.default_rng(seed))
    truth = _truth(everyone, Calibration.fit(everyone), _THRESHOLDS)
    rng = np.random.default_rng([seed, cell.label_count, round(1e4 * cell.max_loss)])
    found: dict[str, list[tuple[float, bool]]] = {"fixed": [], "plug_in": [], "certified": []}
    for _ in range(sample_count):
        sample = everyone.rows(rng.integers(0, POPULATION_COUNT, cell.label_count))
        for name, (calibration, threshold) in _chosen(sample, cell).items():
            found[name].append(_judged(everyone, calibration, threshold, cell.max_loss))
    rates = {name: Rate(*map(float, np.mean(values, axis=0))) for name, values in found.items()}
    allowed = truth[:, 0] <= cell.max_loss
    return Measured(cell=cell, oracle_saving=float(1.0 - truth[allowed, 1].min() / TOP_COST), **rates)


def _chosen(sample: Traffic, cell: Cell) -> dict[str, tuple[Calibration, float | None]]:
    """The threshold that each way takes, None for always the top, and what it calibrated."""
    every_label = Calibration.fit(sample)
    seen = _truth(sample, every_label, _EVERY_THIRD)
    good = np.flatnonzero(seen[:, 0] <= cell.max_loss)
    plug_in = float(_EVERY_THIRD[good[seen[good, 1].argmin()]]) if len(good) else None
    return {
        "fixed": (every_label, _FIXED),
        "plug_in": (every_label, plug_in),
        "certified": _certified(sample, cell),
    }


def _certified(sample: Traffic, cell: Cell) -> tuple[Calibration, float | None]:
    count = int(DESIGN_SHARE * cell.label_count)
    design, rest = sample.rows(np.arange(count)), sample.rows(np.arange(count, cell.label_count))
    calibration = Calibration.fit(design)
    losses, costs = outcomes(design, calibration.confidence(design.scores), _THRESHOLDS)
    path = list(choose_path(losses, costs.mean(axis=0), TOP_COST, cell.max_loss))
    tested, _ = outcomes(rest, calibration.confidence(rest.scores), _THRESHOLDS[path])
    verdict = certify(Evidence(tested, losses[:, path]), Terms(cell.max_loss, test=cell.test))
    if not isinstance(verdict, Certified):
        return calibration, None
    return calibration, float(_THRESHOLDS[path[verdict.index]])


def _judged(
    everyone: Traffic, calibration: Calibration, threshold: float | None, max_loss: float
) -> tuple[float, bool]:
    if threshold is None:
        return 0.0, False
    loss, cost = _truth(everyone, calibration, np.array([threshold]))[0]
    return 1.0 - cost / TOP_COST, bool(loss > max_loss)


def _truth(seen: Traffic, calibration: Calibration, thresholds: Floats) -> Floats:
    """Mean loss and cost of every threshold, (thresholds, 2)."""
    confidence = calibration.confidence(seen.scores)
    rows = [outcomes(seen, confidence, thresholds[[place]]) for place in range(len(thresholds))]
    return np.array([[loss.mean(), cost.mean()] for loss, cost in rows])
