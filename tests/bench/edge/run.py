"""One run from start to end: what is measured, in which order, and what is said meanwhile."""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from backends.cores import core_count
from backends.read_bandwidth import read_bandwidth
from tests.bench.edge import contenders, features
from tests.bench.edge.contenders import Contender, Setting
from tests.bench.edge.figures import Figures
from tests.bench.edge.llama_server import build_llama_server
from tests.bench.edge.model import Shape, make_model, read_byte_count
from tests.bench.edge.rounds import ANSWER_TOKEN_COUNT, FAILURES, PROMPT_TOKEN_COUNT, Comparison, Rounds, Say
from tests.bench.edge.sources import MissingError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured."""

    stream_counts: tuple[int, ...] = (1, 4, 8, 16)
    round_count: int = 3
    features: bool = True


class Run:
    """What the parts of a run share: the plan, the model, and why something is missing."""

    def __init__(self, plan: Plan, folder: Path, say: Say) -> None:
        self._plan = plan
        self._folder = folder
        self._say = say
        self._threads = core_count()
        self._missing: dict[str, str] = {}

    async def measure(self) -> Figures:
        """Measure everything."""
        self._say("the model")
        model = make_model()
        self._build()
        bandwidth = read_bandwidth(self._threads)
        rounds: dict[int, Rounds] = {}
        for count in self._plan.stream_counts:
            self._say(f"{count} streams at once")
            comparison = Comparison(self._setting(model, count), self._missing, self._say)
            rounds[count] = await comparison.run(_contenders(count), self._plan.round_count)
            if count == 1:  # before and after the figure that it is compared with
                bandwidth = max(bandwidth, read_bandwidth(self._threads))
        setting, count = self._setting(model, 1), self._plan.round_count
        return Figures(
            rounds,
            self._missing,
            _step_byte_count(model),
            bandwidth,
            features.statistics_s(),
            prefix=await self._feature("prefix hits", features.prefix_hits(setting, count)),
            schema=await self._feature("JSON Schema", features.schema_cost(setting, count)),
            speculation=await self._feature("speculation", features.speculation(setting, count)) or {},
        )

    def _setting(self, model: Path, stream_count: int) -> Setting:
        return Setting(model, self._threads, stream_count, self._folder)

    def _build(self) -> None:
        """Build what has to be built before anything is measured, for it takes all cores."""
        try:
            build_llama_server(self._say)
        except MissingError as error:
            self._missing["building llama-server"] = str(error)
            self._say(str(error))

    async def _feature(self, name: str, measuring: Coroutine[Any, Any, T]) -> T | None:
        if not self._plan.features:
            measuring.close()
            return None
        self._say(name)
        try:
            return await measuring
        except FAILURES as error:
            self._missing[name] = str(error)
            self._say(f"{name} failed: {error}")
            return None


def _contenders(stream_count: int) -> list[Contender]:
    """Who competes; a minute a round is not spent on what would say nothing new."""
    always = [contenders.UPSHIFT, contenders.EXAMPLE, contenders.LLAMA_SERVER]
    if stream_count <= 8:
        always.append(contenders.STOCK)  # it answers one at a time, at any number
    if stream_count == 8:
        always.append(contenders.LLAMA_SERVER_LOGPROBS)
    return always


def _step_byte_count(model: Path) -> int:
    """Bytes that a step of one stream reads: the weights, and the KV cache at its middle length."""
    depth = PROMPT_TOKEN_COUNT + ANSWER_TOKEN_COUNT // 2
    return read_byte_count(model) + depth * Shape().kv_byte_count
