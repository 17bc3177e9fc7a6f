"""Sends the demo's requests over gRPC and grades what comes back.

Decides how many are in flight and under which policy each goes. Knows of the tasks only what the
seam below says.
"""

from __future__ import annotations

import asyncio
import importlib
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from router.demo.summary import Measured
from router.rpc.client import AsyncClient, UpshiftError

# Two requests at once: enough to keep two cores busy, few enough that latency is not queueing.
_IN_FLIGHT_COUNT = 2
_TIMEOUT_S = 30.0


class Sample(Protocol):
    """A request that can be graded exactly."""

    @property
    def kind(self) -> str:
        """Which kind of work it is."""
        ...

    @property
    def prompt(self) -> str:
        """What is asked."""
        ...


class Tasks(Protocol):
    """The pocket family's tasks, as ``examples.pocket.tasks`` offers them."""

    def draw(self, count: int, *, split: str, seed: int) -> Iterator[Sample]:
        """Draw fresh samples of a split that no model was trained or calibrated on."""
        ...

    def grade(self, sample: Sample, text: str) -> bool:
        """Say whether an answer is right."""
        ...

    def json_schema(self, sample: Sample) -> Mapping[str, Any] | None:
        """The form that the answer must have; None: free text."""
        ...


class DemoFailed(RuntimeError):
    """A request got no answer; the demo's figures would be wrong without it."""


class TasksMissing(RuntimeError):
    """The repository's examples are not importable here."""


def load_tasks() -> Tasks:
    """Import the pocket family's tasks. Raises TasksMissing outside a checkout of the repository."""
    try:
        tasks: Any = importlib.import_module("examples.pocket.tasks")
    except ModuleNotFoundError as exc:
        raise TasksMissing(
            "the demo needs the repository's examples/, which an installed package does not hold; "
            "clone the repository and run `make demo` in it"
        ) from exc
    return tasks  # type: ignore[no-any-return]


async def measure(
    client: AsyncClient,
    tasks: Tasks,
    samples: Sequence[Sample],
    policy_of: Callable[[int], str],
    on_answer: Callable[[], None],
) -> list[Measured]:
    """Send every sample once, the i-th under ``policy_of(i)``; results are in the samples' order."""
    places = asyncio.Semaphore(_IN_FLIGHT_COUNT)

    async def one(index: int, sample: Sample) -> Measured:
        async with places:
            started_s = time.perf_counter()
            answer = await client.generate(
                sample.prompt,
                policy=policy_of(index),
                schema=tasks.json_schema(sample),
                timeout_s=_TIMEOUT_S,
            )
            latency_s = time.perf_counter() - started_s
        on_answer()
        return Measured(
            kind=sample.kind,
            tier=answer.tier,
            is_right=tasks.grade(sample, answer.text),
            confidence=answer.confidence,
            cost_usd=answer.cost_usd,
            latency_s=latency_s,
            attempt_count=len(answer.attempts),
        )

    try:
        async with asyncio.TaskGroup() as group:
            jobs = [group.create_task(one(index, sample)) for index, sample in enumerate(samples)]
    except* UpshiftError as failed:
        raise DemoFailed(f"a request failed: {failed.exceptions[0]}") from failed
    return [job.result() for job in jobs]


def mixed(share_of_second: float, first: str, second: str, *, seed: int) -> Callable[[int], str]:
    """Choose between two policies at random, the second with the given share; by index, repeatable."""

    def choose(index: int) -> str:
        return second if random.Random(f"{seed}:{index}").random() < share_of_second else first

    return choose
