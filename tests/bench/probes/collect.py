"""Answers of the edge with every probe into each, whatever it could change."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from examples.pocket.calibrate import prompt_of
from examples.pocket.tasks import Sample, draw, grade
from router.core import Router
from router.events import AttemptReport, Result
from router.request import Request
from tests.bench.probes.house import house, probe, started


@dataclass(frozen=True, slots=True)
class Seen:
    """One answer: its account, whether it was right, the prompt that it was to, and what was predicted."""

    report: AttemptReport
    right: bool
    prompt: str
    predicted: float


async def collect(count: int, seed: int) -> list[Seen]:
    """Answer ``count`` fresh test prompts by the edge; the local tier judges."""
    always = {"run": "always"}
    probes = [probe("samples", count=3, **always), probe("p_true", **always)]
    config = house(("edge", "local"), [*probes, probe("judge", tier="local", **always)], None, fixed=True)
    async with started(config) as router:
        return [
            Seen(result.attempts[0], grade(sample, result.text), sample.prompt, _predicted(router, sample))
            async for sample, result in answered(router, count, seed)
        ]


def _predicted(router: Router, sample: Sample) -> float:
    return router.decide(Request("predict", prompt_of(sample))).estimates[0].quality


async def answered(router: Router, count: int, seed: int) -> AsyncIterator[tuple[Sample, Result]]:
    """Ask the router fresh test prompts, one after the other."""
    for number, sample in enumerate(draw(count, split="test", seed=seed)):
        async for event in router.run(Request(f"{seed}-{number}", prompt_of(sample))):
            if isinstance(event, Result):
                yield sample, event
