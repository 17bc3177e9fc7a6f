"""Puts an evaluation together: split, fit, replay, and measure every figure on the same resamples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from policies.bootstrap import Figure, Measure, figure, resample_weights
from policies.curves import curve_area_of, hull_area_of
from policies.difficulty.embedded import EncoderIdentity
from policies.odds import Floats
from policies.resampled import (
    adaptive_ece_of,
    apgr_of,
    aurc_of,
    auroc_of,
    brier_of,
    cpt_of,
    mean_of,
    ratio_of,
)
from router.evaluate.certified import certified_savings
from router.evaluate.contenders import CONTENDERS, Path
from router.evaluate.evaluation import (
    EscalationFigures,
    Evaluation,
    MatchFigures,
    PolicyFigures,
    TierFigures,
)
from router.evaluate.pooled import Pooled, Step, pool
from router.evaluate.problem import Problem
from router.evaluate.scored import Fitter
from router.evaluate.splits import Split
from router.evaluate.timing import decision_times


@dataclass(frozen=True, slots=True)
class Settings:
    """What is compared, and how surely: ``policies`` by name, resamples of the bootstrap, the seed.

    ``encoder`` made the embeddings of the records; None: they have none.
    """

    policies: tuple[str, ...] = tuple(CONTENDERS)
    resample_count: int = 1000
    seed: int = 0
    encoder: EncoderIdentity | None = None


def evaluate(problem: Problem, splits: Sequence[Split], settings: Settings, step: Step) -> Evaluation:
    """Answer ``problem``; ``step`` is told of ``pooled.step_count`` steps and of one for the certificate.

    Minutes for thousands of records: models are fitted once a split and once or more to set knobs.
    """
    fitter = Fitter(problem, settings.seed, settings.encoder)
    pooled = pool(fitter, splits, settings.policies, step)
    times = decision_times(fitter.scored(splits[0].judge))
    # By words alone, as what is certified decides.
    certified = certified_savings(Fitter(problem, settings.seed))
    step("certified")
    groups = [problem.groups[row] for row in pooled.rows]
    table = _Table(
        problem.qualities[pooled.rows],
        problem.costs[pooled.rows],
        resample_weights(groups, count=settings.resample_count, seed=settings.seed),
    )
    return Evaluation(
        record_count=len(pooled.rows),
        group_count=len(set(groups)),
        dropped_count=problem.dropped_count,
        seed=settings.seed,
        tiers={tier: table.tier(place, pooled) for place, tier in enumerate(problem.tiers)},
        hull_area=table.figure(hull_area_of(table.costs, table.qualities)),
        escalation=table.escalation(pooled),
        policies={name: table.policy(path, pooled.matched[name]) for name, path in pooled.paths.items()},
        certified=certified,
        decision_time=times,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Table:
    """What the judging records got and cost by tier, both (n, tiers), and the resamples (count, n)."""

    qualities: Floats
    costs: Floats
    weights: Floats

    def figure(self, measure: Measure) -> Figure:
        return figure(measure, self.weights)

    def among(self, known: Floats, measure: Measure) -> Figure:
        """The figure on the records that ``known`` marks, to which ``measure`` is confined."""
        return figure(measure, self.weights[:, known.astype(np.bool_)]) if known.any() else Figure(None)

    def tier(self, place: int, pooled: Pooled) -> TierFigures:
        quality, confidence = self.qualities[:, place], pooled.confidences[:, place]
        harmed = (self.qualities[:, -1] > quality).astype(np.float64)
        below = place < self.qualities.shape[1] - 1
        moments = pooled.signs if below else {}
        return TierFigures(
            quality=self.figure(mean_of(quality)),
            cost=self.figure(mean_of(self.costs[:, place])),
            auroc_right=self._aurocs({m: s.right[:, place] for m, s in moments.items()}, quality),
            auroc_harm=self._aurocs({m: s.harm[:, place] for m, s in moments.items()}, harmed),
            aurc=self.figure(aurc_of(confidence, quality)),
            ece=self.figure(adaptive_ece_of(confidence, quality)),
            brier=self.figure(brier_of(confidence, quality)),
        )

    def _aurocs(self, scores: Mapping[str, Floats], labels: Floats) -> dict[str, Figure]:
        return {
            moment: self.among(known, auroc_of(values[known], labels[known]))
            for moment, values in scores.items()
            if (known := ~np.isnan(values)).any()
        }

    def escalation(self, pooled: Pooled) -> dict[str, EscalationFigures]:
        """The cheapest tier against the top, sent up in the order of expected harm."""
        weak, strong = self.qualities[:, 0], self.qualities[:, -1]
        found = {}
        for moment, signs in pooled.signs.items():
            scores = signs.harm[:, 0]
            # After the next tier's answer its cost is spent too: the share of top calls says too little.
            if moment == "after_next" or np.isnan(scores).any():
                continue
            found[moment] = EscalationFigures(
                self.figure(apgr_of(scores, weak, strong)),
                self.figure(cpt_of(scores, weak, strong, 0.5)),
                self.figure(cpt_of(scores, weak, strong, 0.8)),
            )
        return found

    def policy(self, path: Path, matched: Mapping[float, Path]) -> PolicyFigures:
        area = curve_area_of(path.costs, path.qualities, self.costs, self.qualities)
        hull = hull_area_of(self.costs, self.qualities)
        curve = zip(path.costs.mean(axis=0).tolist(), path.qualities.mean(axis=0).tolist(), strict=True)
        return PolicyFigures(
            area=self.figure(area),
            area_over_hull=self.figure(lambda weights: area(weights) - hull(weights)),
            match_top={loss: self._match(at) for loss, at in matched.items()},
            curve=tuple(curve),
        )

    def _match(self, path: Path) -> MatchFigures:
        change = path.qualities[:, 0] - self.qualities[:, -1]
        return MatchFigures(
            self.figure(ratio_of(path.costs[:, 0], self.costs[:, -1])), self.figure(mean_of(change))
        )
