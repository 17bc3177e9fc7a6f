"""The pocket family asked every prompt twice, under two policies: what paired comparisons share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from examples.pocket.calibrate import CONFIG, frontier, prompt_of
from examples.pocket.tasks import Sample, draw, grade
from policies.threshold import ThresholdOptions
from router.build import build
from router.config import Config, ObjectiveConfig, load
from router.core import Router
from router.events import Result
from router.request import Constraints, Request


@dataclass(frozen=True, slots=True)
class Pair:
    """One prompt's two results, and whether each was right."""

    plain: Result
    other: Result
    plain_right: bool
    other_right: bool

    @property
    def went_up(self) -> bool:
        """Whether an answer was rejected under the plain policy."""
        return len(self.plain.attempts) > 1


async def paired(
    learnt: Path, plain: ThresholdOptions, other: ThresholdOptions, *, count: int, seed: int
) -> list[Pair]:
    """Ask ``count`` prompts of the test split over the real engines, each policy first in turn."""
    samples = list(draw(count, split="test", seed=seed))
    async with frontier():
        router = build(_config(learnt, {"plain": plain, "other": other}))
        await router.start()
        try:
            return [await _pair(router, sample, number) for number, sample in enumerate(samples)]
        finally:
            await router.close()


async def _pair(router: Router, sample: Sample, number: int) -> Pair:
    found = {}
    for name in sorted(("plain", "other"), reverse=bool(number % 2)):
        request = Request(f"{number}", prompt_of(sample), Constraints(policy=name))
        result = [event async for event in router.run(request)][-1]
        assert isinstance(result, Result), "the last event of an answered request is its result"
        found[name] = result
    plain, other = found["plain"], found["other"]
    return Pair(plain, other, grade(sample, plain.text), grade(sample, other.text))


def _config(learnt: Path, variants: Mapping[str, ThresholdOptions]) -> Config:
    """The pocket house with one policy a variant, and no journal."""
    config = load(CONFIG)
    policies = tuple(
        config.policies[0].model_copy(
            update={
                "name": name,
                "objective": ObjectiveConfig.model_construct(rule="threshold", options=options),
            }
        )
        for name, options in variants.items()
    )
    journal = config.journal.model_copy(update={"path": None})
    return config.model_copy(update={"learnt": learnt, "policies": policies, "journal": journal})


def rejected_tokens(result: Result) -> int:
    """Tokens written by attempts that were not kept."""
    return sum(a.usage.output_token_count for a in result.attempts if a.number != result.attempt_number)


def saved_share(amounts: Sequence[tuple[float, float]]) -> float:
    """Share of the first numbers' sum that the second ones save; 0 where there is nothing to save."""
    before, after = (sum(pair[place] for pair in amounts) for place in (0, 1))
    return 1.0 - after / before if before else 0.0


def saved_interval(amounts: Sequence[tuple[float, float]], seed: int) -> tuple[float, float]:
    """Interval of 95 % of :func:`saved_share`, by bootstrap over the pairs."""
    if not amounts:
        return 0.0, 0.0
    table = np.array(amounts)
    places = np.random.default_rng(seed).integers(0, len(table), size=(2000, len(table)))
    sums = table[places].sum(axis=1)
    low, high = np.quantile(1.0 - sums[:, 1] / sums[:, 0], [0.025, 0.975]).tolist()
    return low, high
