"""The seam to the model tiers: what answers a request, such as :class:`router.core.Router`."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol

from backends.types import Image, JsonSchemaFormat, Message, Prompt, Role, Sampling
from router.errors import RoutingError
from router.events import Event, Result
from router.request import Constraints, Request
from router.tiers import TierStatus


class Asker(Protocol):
    """Answers requests over tiers. ``run`` raises RoutingError; closing it stops the model."""

    def run(self, request: Request) -> AsyncGenerator[Event]:
        """Answer."""
        ...

    def tiers(self) -> tuple[TierStatus, ...]:
        """Every tier as it is now, cheapest first."""
        ...


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: instructions, a text, pictures, and the JSON Schema that the answer must satisfy."""

    instructions: str
    text: str
    images: tuple[Image, ...] = ()
    schema: dict[str, object] | None = None
    max_output_token_count: int | None = None


async def answered(
    asker: Asker, question: Question, constraints: Constraints, timeout_s: float | None
) -> Result:
    """Ask and wait for the whole answer. Raises RoutingError."""
    prompt = Prompt(
        messages=(
            Message(Role.SYSTEM, question.instructions),
            Message(Role.USER, question.text, question.images),
        ),
        sampling=Sampling(max_output_token_count=question.max_output_token_count, seed=0),
        response_format=None if question.schema is None else JsonSchemaFormat(question.schema),
    )
    request = Request(_name(question), prompt, constraints, timeout_s=timeout_s)
    result: Event | None = None
    async with aclosing(asker.run(request)) as events:
        async for event in events:
            result = event
    if not isinstance(result, Result):
        raise RoutingError("the answer did not come to its end")
    return result


def _name(question: Question) -> str:
    """Name a request by what it asks: policies that draw at random draw alike when it is asked again."""
    asked = repr((question.instructions, question.text, [image.data for image in question.images]))
    return hashlib.sha256(asked.encode()).hexdigest()[:24]
