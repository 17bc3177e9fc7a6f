"""An arm of the pocket edge, learnt from its own samples and served beside edge and frontier."""

from __future__ import annotations

import tempfile
from collections import Counter
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import fmean, median
from typing import Any

from backends.types import Prompt
from examples.pocket.calibrate import prompt_of
from examples.pocket.tasks import Sample as Task
from examples.pocket.tasks import draw, grade
from policies.arm_outcomes import with_arms
from policies.arms import Arm
from policies.artefact import save
from policies.cascade_routing import CascadeRoutingOptions
from policies.outcomes import Outcome, OutcomeRecord, Sample
from policies.samples import further_prompts
from policies.training import fit_learnt
from router.core import Router
from router.events import Result
from router.request import Request
from tests.bench.probes.collect import answered
from tests.bench.probes.house import frontier, house, started

ARM = Arm(tier="edge", samples=3)
LADDER = ("edge", "frontier")
VALUES_USD = (0.0003, 0.001, 0.003)
"""What a right answer is worth; a call of the frontier costs about 0.0005."""


@dataclass(frozen=True, slots=True)
class Lived:
    """One way to serve; costs in millionths of a dollar a request, ``shares`` of answers by tier."""

    value_usd: float
    with_arm: bool
    share_right: float
    cost_usd_micros: float
    shares: dict[str, float]
    latency_ms: float

    def to_json(self) -> dict[str, Any]:
        """As an object."""
        return asdict(self)


async def lived(learn_count: int, count: int, seed: int) -> list[Lived]:
    """Learn from ``learn_count`` prompts, and serve ``count`` others each way."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "learnt.json"
        async with frontier():
            records = await _records(learn_count, seed)
            learnt = fit_learnt(with_arms(records, (ARM,)), tiers=("edge", ARM.name, "frontier"), seed=seed)
            save(learnt, path)
            ways = [(value, with_arm) for value in VALUES_USD for with_arm in (False, True)]
            return [await _served(value, with_arm, path, count, seed + 1) for value, with_arm in ways]


async def _records(count: int, seed: int) -> list[OutcomeRecord]:
    tasks = list(draw(count, split="calibrate", seed=seed))
    records = [OutcomeRecord(prompt_of(task), {}, id=str(number)) for number, task in enumerate(tasks)]
    for tier in LADDER:
        async with started(house((tier,), (), None, fixed=True)) as router:
            for place, task in enumerate(tasks):
                outcome = await _outcome(router, task, records[place].prompt, with_samples=tier == ARM.tier)
                outcomes = {**records[place].outcomes, tier: outcome}
                records[place] = replace(records[place], outcomes=outcomes)
    return records


async def _outcome(router: Router, task: Task, prompt: Prompt, *, with_samples: bool) -> Outcome:
    asked = (
        (prompt, *further_prompts(prompt, ARM.samples - 1, ARM.temperature)) if with_samples else (prompt,)
    )
    first, *others = [await _answer(router, one) for one in asked]
    attempt = first.attempts[0]
    return Outcome(
        float(grade(task, first.text)),
        attempt.signals,
        attempt.usage.output_token_count,
        text=first.text,
        samples=tuple(
            Sample(other.text, float(grade(task, other.text)), other.attempts[0].signals) for other in others
        ),
    )


async def _answer(router: Router, prompt: Prompt) -> Result:
    async for event in router.run(Request("learn", prompt)):
        if isinstance(event, Result):
            return event
    raise AssertionError("every request ends in a result or raises")


async def _served(value_usd: float, with_arm: bool, learnt: Path, count: int, seed: int) -> Lived:
    options = CascadeRoutingOptions(value_of_correct_usd=value_usd, arms=(ARM,) if with_arm else ())
    async with started(house(LADDER, (), learnt, fixed=False, routing=options)) as router:
        pairs = [pair async for pair in answered(router, count, seed)]
    tiers = Counter(result.tier for _, result in pairs)
    return Lived(
        value_usd,
        with_arm,
        fmean(float(grade(task, result.text)) for task, result in pairs),
        fmean(float(result.cost_usd_micros) for _, result in pairs),
        {tier: number / len(pairs) for tier, number in tiers.items()},
        1000.0 * median(result.latency_s for _, result in pairs),
    )
