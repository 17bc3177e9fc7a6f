"""What each probe adds to the confidence in the edge's answers, and at what cost.

Confidence is that of the shipped artefact, which reads token log-probabilities, and beside it one
fitted here that sees only the text, as behind servers that give none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean, median
from typing import Any

import numpy as np

from backends.types import Usage
from policies.bootstrap import Figure, figure, resample_weights
from policies.fit_confidence import fit_tier_confidence
from policies.fit_refinement import fit_refinements, free_signals, probe_measures
from policies.folds import Fold, assign_folds
from policies.odds import Floats
from policies.resampled import auroc_of
from tests.bench.probes.collect import Seen

_FOLDS, _SEED, _RESAMPLES = 5, 0, 1000
_OF_TOKENS = ("logprob_", "margin_", "entropy_", "prefix_")


@dataclass(frozen=True, slots=True)
class Worth:
    """One set of probes over one confidence; costs in millionths of a dollar an answer.

    ``measured_count`` of ``answer_count`` answers got a measure of every probe; the others keep the
    confidence that they had.
    """

    base: str
    probes: str
    answer_count: int
    measured_count: int
    base_auroc: Figure
    auroc: Figure
    gain: Figure
    cost_usd_micros: float
    answer_cost_usd_micros: float
    latency_ms: float

    def to_json(self) -> dict[str, Any]:
        """As an object."""
        figures = {name: getattr(self, name).to_json() for name in ("base_auroc", "auroc", "gain")}
        return asdict(self) | figures


def judged(seen: Sequence[Seen]) -> list[Worth]:
    """Judge every probe alone, on answers that no validator refuted, and together those that mostly speak."""
    kept = [one for one in seen if one.report.probes]
    folds = assign_folds([one.prompt for one in kept], count=_FOLDS, seed=_SEED)
    bases = {
        "log-probabilities": np.array([one.report.confidence or 0.0 for one in kept]),
        "text alone": _by_text(kept, folds),
    }
    names = list(probe_measures())
    spoken = [name for name in names if sum(bool(_measures(one, [name])) for one in kept) > len(kept) / 2]
    sets = [*([name] for name in names), *([spoken] if len(spoken) > 1 else [])]
    return [_worth(kept, folds, base, probes) for base in bases.items() for probes in sets]


def _by_text(kept: Sequence[Seen], folds: Fold) -> Floats:
    """Out-of-fold confidence from what the text alone shows; the prediction where none can be fitted."""
    predicted = np.array([one.predicted for one in kept])
    signals = [
        {n: v for n, v in free_signals("edge", one.report.signals).items() if not n.startswith(_OF_TOKENS)}
        for one in kept
    ]
    fitted = fit_tier_confidence("edge", predicted, signals, _right(kept), folds, seed=_SEED)
    return predicted if fitted is None else fitted.out_of_fold


def _right(kept: Sequence[Seen]) -> Floats:
    return np.array([float(one.right) for one in kept])


def _worth(kept: Sequence[Seen], folds: Fold, base: tuple[str, Floats], probes: Sequence[str]) -> Worth:
    label, confidences = base
    right, measures = _right(kept), [_measures(one, probes) for one in kept]
    weights = resample_weights([one.prompt for one in kept], count=_RESAMPLES, seed=_SEED)
    before = auroc_of(confidences, right)
    after = auroc_of(_refined(measures, folds, confidences, right), right)
    runs = [[run for run in one.report.probes if run.name in probes] for one in kept]
    return Worth(
        label,
        " + ".join(probes),
        len(kept),
        sum(map(bool, measures)),
        figure(before, weights),
        figure(after, weights),
        figure(lambda drawn: after(drawn) - before(drawn), weights),
        fmean(sum(_exact_usd_micros(run.name, run.usage) for run in made) for made in runs),
        fmean(_exact_usd_micros("", one.report.usage) for one in kept),
        1000.0 * median(sum(run.latency_s for run in made) for made in runs),
    )


def _measures(one: Seen, probes: Sequence[str]) -> Mapping[str, float]:
    """Measures of ``probes``; nothing unless all of them said something."""
    names = {probe: probe_measures()[probe] for probe in probes}
    found = {n: one.report.signals[n] for read in names.values() for n in read if n in one.report.signals}
    return found if all(any(n in found for n in read) for read in names.values()) else {}


def _exact_usd_micros(probe: str, usage: Usage) -> float:
    """Cost unrounded: by the pocket prices most answers cost a fraction of a millionth."""
    price_in, price_out = (0.10, 0.40) if probe == "judge" else (0.02, 0.08)
    return usage.input_token_count * price_in + usage.output_token_count * price_out


def _refined(measures: Sequence[Mapping[str, float]], folds: Fold, base: Floats, right: Floats) -> Floats:
    """Out-of-fold confidence with what was measured; the confidence as it was where nothing was."""
    refined = base.copy()
    for fold in range(_FOLDS):
        rows = np.flatnonzero(folds != fold)
        shown = [measures[row] for row in rows.tolist()]
        fitted = fit_refinements(base[rows], shown, right[rows], folds[rows])
        model = None if fitted is None else max(fitted.models, key=lambda model: len(model.probes))
        for row in np.flatnonzero(folds == fold).tolist():
            if model is not None and set(model.names) <= measures[row].keys():
                refined[row] = model.predict(float(base[row]), measures[row])
    return refined
