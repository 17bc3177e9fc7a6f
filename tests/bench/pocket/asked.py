"""One pass of the fresh requests over gRPC, and what was answered to each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from examples.pocket.tasks import Sample, grade, json_schema
from router.rpc.client import AsyncClient

_IN_FLIGHT_COUNT = 2  # as many as there are cores: latency is not queueing
_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Asked:
    """One answered request, graded exactly."""

    request_id: str
    tier: str
    is_right: bool
    confidence: float | None
    cost_usd: float
    latency_s: float
    attempt_count: int


async def ask_all(
    client: AsyncClient, samples: Sequence[Sample], policy: str, on_answer: Callable[[], None]
) -> list[Asked]:
    """Send every sample once under ``policy``; results are in the samples' order. Raises UpshiftError."""
    places = asyncio.Semaphore(_IN_FLIGHT_COUNT)

    async def one(sample: Sample) -> Asked:
        async with places:
            answer = await client.generate(
                sample.prompt, policy=policy, schema=json_schema(sample), timeout_s=_TIMEOUT_S
            )
        on_answer()
        return Asked(
            answer.request_id,
            answer.tier,
            grade(sample, answer.text),
            answer.confidence,
            answer.cost_usd,
            answer.latency_s,
            len(answer.attempts),
        )

    async with asyncio.TaskGroup() as group:
        jobs = [group.create_task(one(sample)) for sample in samples]
    return [job.result() for job in jobs]
