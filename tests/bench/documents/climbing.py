"""The pipeline's own climb over one element, with curves of a fold and readings made once."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from router.documents.climb import Climb, House
from router.documents.element import Reading
from router.documents.engines.base import Engine, Subject
from router.documents.errors import EngineFailed
from router.documents.outcome import Outcome
from router.documents.purse import Purse
from router.documents.route.routes import ElementRoute
from router.documents.steps import NoSteps, StepKey
from router.documents.verify.base import Claim
from router.documents.verify.confidence import Confidence, Curve, shipped
from router.documents.verify.registry import Verifiers
from tests.bench.edge.process import family_cpu_s


@dataclass
class Remembering:
    """An engine that reads a subject once, however often it is asked, and keeps the CPU time that it took."""

    engine: Engine
    readings: dict[str, Reading] = field(default_factory=dict)
    seconds_taken: dict[str, float] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.engine.name

    def missing(self) -> str | None:
        return self.engine.missing()

    def reads(self, subject: Subject) -> bool:
        return self.engine.reads(subject)

    def cost_usd_micros(self, subject: Subject) -> float:
        return self.engine.cost_usd_micros(subject)

    def seconds(self, subject: Subject) -> float:
        return self.engine.seconds(subject)

    async def read(self, subject: Subject) -> Reading:
        key = f"{subject.path}|{subject.page.number}|{subject.element.provenance.box}"
        if key not in self.readings:
            before_s = family_cpu_s(os.getpid())
            self.readings[key] = await self.engine.read(subject)
            self.seconds_taken[key] = family_cpu_s(os.getpid()) - before_s
        return self.readings[key]


async def climb(
    subject: Subject, engines: Mapping[str, Engine], route: ElementRoute, curves: Mapping[str, Curve]
) -> Outcome:
    """Settle one element."""
    house = House(engines, Verifiers(), with_curves(curves), NoSteps(), Purse(None, None, time.monotonic))
    key = StepKey("", 0, "", "", "")
    return await Climb(house, route, subject, lambda stage: replace(key, stage=stage)).settle()


def with_curves(curves: Mapping[str, Curve]) -> Confidence:
    """The shipped confidence, but for these curves."""
    return Confidence(shipped().curves | dict(curves))


async def scores_of(
    subject: Subject, engines: Sequence[Engine], spare: Reading | None
) -> dict[str, tuple[Reading, list[dict[str, float]]]]:
    """Every engine's reading, with its scores as each state of knowledge gives them.

    First as seen with the readings of cheaper engines, then with all; ``spare`` is the file's own word.
    """
    verifiers, readings = Verifiers(), []
    for engine in engines:
        try:
            readings.append(await engine.read(subject))
        except EngineFailed:
            continue
    found = {}
    for index, reading in enumerate(readings):
        own = () if spare is None else (spare,)
        stages = {index + 1, len(readings)}
        scores = []
        for stage in sorted(stages):
            others = tuple(other for other in readings[:stage] if other.engine != reading.engine)
            scores.append(verifiers.measure(Claim(subject.page, subject.element, reading, (*others, *own))))
        found[reading.engine] = (reading, scores)
    return found
