"""What a probe's measures make of a confidence, and how far they can move it.

A second, small model over the first: its inputs are the confidence from free signals and what the
probes measured. So confidence is whole without any probe, and a probe that did not run leaves no
gap to be filled with a mean. Serves without scikit-learn.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from policies.logistic import Logistic
from policies.odds import Floats, logit, sigmoid

EDGE = 3.0
"""Standard deviations at which a measure is cut."""

Measures = Mapping[str, float]


@dataclass(frozen=True, slots=True, eq=False)
class Refinement:
    """One tier's model for one set of probes.

    ``probes`` maps each to the measures that are read of it; ``mean`` and ``scale`` (measures,) in
    their order. ``logistic`` takes :meth:`inputs`. ``swing`` by probe: the least and the most that
    its measures added to the log-odds, as 2.5 and 97.5 % quantiles of the answers fitted on.
    ``auroc`` of the refined confidence, out of fold.
    """

    probes: Mapping[str, tuple[str, ...]]
    mean: Floats
    scale: Floats
    logistic: Logistic
    swing: Mapping[str, tuple[float, float]]
    auroc: float

    @property
    def names(self) -> tuple[str, ...]:
        """All measures that are read, in order."""
        return tuple(name for read in self.probes.values() for name in read)

    def inputs(self, confidence: float, measures: Measures) -> Floats:
        """Return float64 (1 + measures,): the confidence's log-odds, and the measures in deviations.

        A measure that is missing is at its mean; a probe that ran gives all of its measures.
        """
        values = np.array([measures.get(name, np.nan) for name in self.names])
        scaled = np.clip((values - self.mean) / self.scale, -EDGE, EDGE)
        return np.concatenate(([logit(confidence)], np.nan_to_num(scaled)))

    def predict(self, confidence: float, measures: Measures) -> float:
        """Return the probability in (0, 1) that the answer is acceptable, all being known."""
        return sigmoid(float(self.logistic.log_odds(self.inputs(confidence, measures))))

    def ends(self, confidence: float, measures: Measures, probe: str) -> tuple[float, float]:
        """Return the lowest and the highest that :meth:`predict` plausibly gives once ``probe`` ran.

        ``measures`` are those of the probes that did.
        """
        others = {name: value for name, value in measures.items() if name not in self.probes[probe]}
        base = float(self.logistic.log_odds(self.inputs(confidence, others)))
        low, high = self.swing[probe]
        return sigmoid(base + low), sigmoid(base + high)

    def to_json(self) -> dict[str, Any]:
        """Plain values that :meth:`from_json` reads back unchanged."""
        return {
            "probes": {probe: list(names) for probe, names in self.probes.items()},
            "mean": self.mean.tolist(),
            "scale": self.scale.tolist(),
            "logistic": self.logistic.to_json(),
            "swing": {probe: list(ends) for probe, ends in self.swing.items()},
            "auroc": self.auroc,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read what :meth:`to_json` wrote."""
        return cls(
            {probe: tuple(names) for probe, names in value["probes"].items()},
            np.asarray(value["mean"], np.float64),
            np.asarray(value["scale"], np.float64),
            Logistic.from_json(value["logistic"]),
            {probe: (float(low), float(high)) for probe, (low, high) in value["swing"].items()},
            float(value["auroc"]),
        )


@dataclass(frozen=True, slots=True, eq=False)
class TierRefinements:
    """One tier's models by the set of probes that ran; ``base_auroc`` of its confidence without any."""

    base_auroc: float
    models: tuple[Refinement, ...] = ()

    def of(self, ran: Collection[str], including: str | None = None) -> Refinement | None:
        """The model that reads most of the probes that ``ran`` and no others; None where there is none.

        ``including`` must be among those that it reads.
        """
        fitting = [
            model
            for model in self.models
            if set(model.probes) <= {*ran} and (including is None or including in model.probes)
        ]
        return max(fitting, key=lambda model: len(model.probes), default=None)

    def gain(self, probe: str, ran: Collection[str]) -> float | None:
        """What ``probe`` adds to the AUROC once ``ran`` have run, in [-1, 1]; None where not learnt."""
        after = self.of({*ran, probe}, probe)
        if after is None:
            return None
        before = self.of({*after.probes} - {probe})
        return after.auroc - (self.base_auroc if before is None else before.auroc)


@dataclass(frozen=True, slots=True, eq=False)
class Refinements:
    """The models of all tiers that were learnt with probes."""

    tiers: Mapping[str, TierRefinements] = field(default_factory=dict)

    def of(self, tier: str, ran: Collection[str], including: str | None = None) -> Refinement | None:
        """See :meth:`TierRefinements.of`; None for a tier that was not learnt."""
        known = self.tiers.get(tier)
        return None if known is None else known.of(ran, including)

    def gain(self, tier: str, probe: str, ran: Collection[str]) -> float | None:
        """See :meth:`TierRefinements.gain`; None for a tier that was not learnt."""
        known = self.tiers.get(tier)
        return None if known is None else known.gain(probe, ran)

    def to_json(self) -> dict[str, Any]:
        """Plain values that :meth:`from_json` reads back unchanged."""
        return {
            tier: {"base_auroc": known.base_auroc, "models": [model.to_json() for model in known.models]}
            for tier, known in self.tiers.items()
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read what :meth:`to_json` wrote; KeyError, TypeError or ValueError on anything else."""
        return cls(
            {
                tier: TierRefinements(
                    float(known["base_auroc"]),
                    tuple(Refinement.from_json(model) for model in known["models"]),
                )
                for tier, known in value.items()
            }
        )
