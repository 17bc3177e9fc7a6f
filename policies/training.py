"""From graded answers to everything learnt, without ever grading one's own homework.

Every score that another model is fitted or judged on is out of fold, with equal prompts kept in
one fold. Deterministic in records and seed. Needs scikit-learn; nothing that serves imports this.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
from threadpoolctl import threadpool_limits

from policies.arms import is_arm
from policies.confidence import Confidence
from policies.derive import written
from policies.difficulty.embedded import EncoderIdentity
from policies.difficulty.fit_embedded import Told, fit_embedded
from policies.difficulty.fit_learnt import LearntDifficultyFitter
from policies.fit_confidence import FittedConfidence, fit_tier_confidence
from policies.fit_joint import fit_joint
from policies.fit_refinement import fit_refinements, free_signals
from policies.fit_stopping import fit_stopping
from policies.folds import Fold, assign_folds
from policies.learnt import Learnt, TierReport
from policies.metrics import adaptive_ece, auroc, brier
from policies.odds import Floats
from policies.outcomes import Outcome, OutcomeRecord
from policies.probes.refinement import Refinements, TierRefinements
from policies.signals.agreement import read
from policies.signals.base import failed_validation
from policies.signals.same import sameness
from policies.stopping import Checkpoint, Stopping

FOLD_COUNT = 5
MIN_PROMPTS = 20

__all__ = ["MIN_PROMPTS", "Outcome", "OutcomeRecord", "fit_learnt"]


def fit_learnt(
    records: Sequence[OutcomeRecord],
    *,
    tiers: Sequence[str] | None = None,
    seed: int = 0,
    encoder: EncoderIdentity | None = None,
) -> Learnt:
    """Fit difficulty, confidence and joint parameters to ``records``.

    ``tiers`` in order of cost; None: all that occur, sorted by name. ``encoder`` made the records'
    embeddings; None: they have none, or are not to be learnt from. Raises ValueError for fewer
    than MIN_PROMPTS different prompts, a grade outside [0, 1], or a tier without any outcome.
    """
    names = tuple(tiers) if tiers is not None else tuple(sorted({t for r in records for t in r.outcomes}))
    _check(records, names)
    # The matrices are small: threads in BLAS made fitting five times slower on two busy cores.
    with threadpool_limits(limits=1):
        learnt, predicted, folds = _fit(records, names, seed)
        return learnt if encoder is None else _with_embedded(learnt, encoder, records, predicted, folds)


def _with_embedded(
    learnt: Learnt, encoder: EncoderIdentity, records: Sequence[OutcomeRecord], predicted: Floats, folds: Fold
) -> Learnt:
    """Learn from embeddings too, of tiers as they are predicted by words out of fold."""
    tiers = learnt.difficulty.tiers
    found = [record.embedding for record in records]
    embeddings = np.array([embedding for embedding in found if embedding is not None])
    if len(embeddings) < len(records):
        raise ValueError(f"{len(records) - len(embeddings)} of {len(records)} records have no embedding")
    qualities = _table(records, tiers, "quality")
    fitted = fit_embedded(encoder, tiers, embeddings, Told(predicted, qualities, folds))
    return replace(learnt, embedded=fitted)


def _fit(records: Sequence[OutcomeRecord], names: tuple[str, ...], seed: int) -> tuple[Learnt, Floats, Fold]:
    """Return what was learnt, and the qualities predicted by models that did not see the record's fold."""
    qualities = _table(records, names, "quality")
    folds = assign_folds([record.prompt.text for record in records], count=FOLD_COUNT, seed=seed)
    fitter = LearntDifficultyFitter().fit(
        [record.prompt for record in records],
        names,
        qualities,
        _table(records, names, "output_token_count"),
        folds,
        seed=seed,
    )
    predicted = fitter.out_of_fold_
    fitted = {
        tier: _fit_confidence(records, tier, predicted[:, place], folds, seed)
        for place, tier in enumerate(names)
    }
    confidences = _confidences(records, names, fitted)
    stopping = {
        tier: _fit_stopping(records, tier, predicted[:, place], confidences[:, place], folds)
        for place, tier in enumerate(names[:-1])
        if not is_arm(tier)
    }
    refined = {
        tier: _refinements(records, tier, predicted[:, place], confidences[:, place], folds)
        for place, tier in enumerate(names)
        if not is_arm(tier)  # nobody probes a vote
    }
    learnt = Learnt(
        difficulty=fitter.model_,
        confidence=Confidence(
            {tier: found.model for tier, found in fitted.items() if found},
            tuple(probe for found in fitted.values() if found for probe in found.probes),
        ),
        joint=fit_joint(names, predicted, confidences, qualities, _agreements(records, names)),
        prompt_count=len(records),
        reports={
            tier: _report(predicted[:, place], confidences[:, place], qualities[:, place])
            for place, tier in enumerate(names)
        },
        stopping=Stopping({tier: points for tier, points in stopping.items() if points}),
        refinements=Refinements({tier: found for tier, found in refined.items() if found}),
    )
    return learnt, predicted, folds


def _refinements(
    records: Sequence[OutcomeRecord], tier: str, predicted: Floats, confidences: Floats, folds: Fold
) -> TierRefinements | None:
    """Fit what probes add to the confidence by free signals; the prediction where there is none."""
    rows = _judged(records, tier)
    outcomes = [records[row].outcomes[tier] for row in rows]
    base = np.where(np.isnan(confidences), predicted, confidences)[rows]
    qualities = np.array([outcome.quality for outcome in outcomes])
    return fit_refinements(base, [outcome.signals for outcome in outcomes], qualities, folds[rows])


def _check(records: Sequence[OutcomeRecord], tiers: tuple[str, ...]) -> None:
    prompt_count = len({record.prompt.text for record in records})
    if prompt_count < MIN_PROMPTS:
        raise ValueError(f"{prompt_count} different prompts are too few; give at least {MIN_PROMPTS}")
    for tier in tiers:
        grades = [record.outcomes[tier].quality for record in records if tier in record.outcomes]
        if not grades:
            raise ValueError(f"tier {tier!r} has no outcome in any record; leave it out or run it")
        if not all(0.0 <= grade <= 1.0 for grade in grades):
            raise ValueError(f"tier {tier!r} has a quality outside [0, 1]: {min(grades)} to {max(grades)}")


def _table(records: Sequence[OutcomeRecord], tiers: tuple[str, ...], name: str) -> Floats:
    """One number of every outcome, float64 (records, tiers); NaN where the tier did not run."""
    return np.array(
        [
            [getattr(record.outcomes[tier], name) if tier in record.outcomes else np.nan for tier in tiers]
            for record in records
        ],
        dtype=np.float64,
    )


def _fit_confidence(
    records: Sequence[OutcomeRecord], tier: str, predicted: Floats, folds: Fold, seed: int
) -> FittedConfidence | None:
    """Fit on the answers that no validator refuted; those are wrong without any model."""
    rows = _judged(records, tier)
    outcomes = [records[row].outcomes[tier] for row in rows]
    return fit_tier_confidence(
        tier,
        predicted[rows],
        [free_signals(tier, outcome.signals) for outcome in outcomes],
        np.array([outcome.quality for outcome in outcomes]),
        folds[rows],
        seed=seed,
    )


def _fit_stopping(
    records: Sequence[OutcomeRecord], tier: str, predicted: Floats, confidences: Floats, folds: Fold
) -> tuple[Checkpoint, ...]:
    """Fit on the answers whose confidence is known, refuted ones too: those are not kept."""
    rows = np.flatnonzero(~np.isnan(confidences))
    outcomes = [records[int(row)].outcomes[tier] for row in rows]
    return fit_stopping(predicted[rows], confidences[rows], outcomes, folds[rows])


def _judged(records: Sequence[OutcomeRecord], tier: str) -> Fold:
    """Rows where the tier ran and its answer passed validation."""
    return np.array(
        [
            row
            for row, record in enumerate(records)
            if tier in record.outcomes and not failed_validation(record.outcomes[tier].signals)
        ],
        dtype=np.int64,
    )


def _confidences(
    records: Sequence[OutcomeRecord], tiers: tuple[str, ...], fitted: Mapping[str, FittedConfidence | None]
) -> Floats:
    """Out-of-fold confidences (records, tiers): 0 for a refuted answer, NaN where there is none."""
    table = np.full((len(records), len(tiers)), np.nan)
    for place, tier in enumerate(tiers):
        refuted = [
            tier in record.outcomes and failed_validation(record.outcomes[tier].signals) for record in records
        ]
        table[refuted, place] = 0.0
        found = fitted[tier]
        if found is not None:
            table[_judged(records, tier), place] = found.out_of_fold
    return table


def _agreements(records: Sequence[OutcomeRecord], tiers: tuple[str, ...]) -> Floats:
    """How far any two tiers' answers say the same, (records, tiers, tiers); NaN where no text was kept."""
    table = np.full((len(records), len(tiers), len(tiers)), np.nan)
    for row, record in enumerate(records):
        texts = [written(record.outcomes[tier]) if tier in record.outcomes else None for tier in tiers]
        readings = [None if text is None else read(text) for text in texts]
        for (i, first), (j, second) in combinations(enumerate(readings), 2):
            if first is not None and second is not None:
                table[row, i, j] = table[row, j, i] = sameness(first, second)
    return table


def _report(predicted: Floats, confidences: Floats, qualities: Floats) -> TierReport:
    ran = ~np.isnan(qualities)
    known = ran & ~np.isnan(confidences)
    measurable = bool(known.any())
    return TierReport(
        answer_count=int(ran.sum()),
        mean_quality=float(qualities[ran].mean()),
        difficulty_auroc=auroc(predicted[ran], qualities[ran]),
        confidence_auroc=auroc(confidences[known], qualities[known]) if measurable else None,
        brier=brier(confidences[known], qualities[known]) if measurable else None,
        ece=adaptive_ece(confidences[known], qualities[known]) if measurable else None,
    )
