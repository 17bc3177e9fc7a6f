"""What Upshift's own features cost and save: prefixes, forms of answers, speculation, log-probabilities."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from backends.token_statistics import token_logprob
from tests.bench.edge import chain, prompts
from tests.bench.edge.asking import Answered
from tests.bench.edge.contenders import Contender, Setting, upshift_command
from tests.bench.edge.pairs import Pairs, in_turn
from tests.bench.edge.serving import Serving, serving

_SYSTEM_TOKEN_COUNT = 1024
_QUESTION_TOKEN_COUNT = 32
_ANSWER_TOKEN_COUNT = 64
_COPY_TOKEN_COUNT = 256
_EDIT_DISTANCE = 12
# Lists, objects, texts, numbers and a choice; it cannot be complete within the tokens that are measured.
_SCHEMA: Mapping[str, Any] = {
    "type": "array",
    "minItems": 40,
    "items": {
        "type": "object",
        "properties": {
            "name": {"type": "string", "maxLength": 12},
            "count": {"type": "integer", "minimum": 0, "maximum": 999},
            "state": {"enum": ["new", "open", "closed"]},
        },
        "required": ["name", "count", "state"],
        "additionalProperties": False,
    },
}


async def prefix_hits(setting: Setting, round_count: int) -> Pairs:
    """Time to the first token behind a long system prompt: a new one, and then with another question."""
    one = replace(setting, stream_count=1, context_token_count=2048)
    async with serving(Contender("upshift prefix", upshift_command), one, 4) as server:

        async def first_token_s(number: int, *, question: str) -> float:
            system = prompts.words(_SYSTEM_TOKEN_COUNT, "system", number)
            user = prompts.plain(_QUESTION_TOKEN_COUNT, question, number)
            said = [{"role": "system", "content": system}, {"role": "user", "content": user}]
            answered: Answered = await server.ask(said)
            return answered.first_token_s

        cold, hit = (partial(first_token_s, question=question) for question in ("first", "second"))
        return await in_turn(cold, hit, round_count)


async def schema_cost(setting: Setting, round_count: int) -> Pairs:
    """Time between tokens, free and under a JSON Schema.

    Random weights want what the schema forbids more often than trained ones do.
    """
    one = replace(setting, stream_count=1)
    async with serving(Contender("upshift schema", upshift_command), one, _ANSWER_TOKEN_COUNT) as server:

        async def inter_token_s(number: int, **options: Any) -> float:
            question = prompts.plain(_QUESTION_TOKEN_COUNT, "schema", number)
            answered: Answered = await server.ask(question, **options)
            return answered.inter_token_s

        return await in_turn(inter_token_s, partial(inter_token_s, schema=_SCHEMA), round_count)


async def speculation(setting: Setting, round_count: int) -> dict[str, Pairs]:
    """Time between tokens without speculation and with guesses from the prompt, by the kind of text.

    The model's text is known (see ``chain``), so prompts can be made that its answers copy, differ
    from, or seem to copy. Raises RuntimeError where speculation changes an answer.
    """
    one = replace(setting, stream_count=1, context_token_count=512)
    kinds: dict[str, Callable[..., str]] = {
        "copied": partial(prompts.copied, _COPY_TOKEN_COUNT, _EDIT_DISTANCE),
        "plain": partial(prompts.plain, _COPY_TOKEN_COUNT),
        "misleading": partial(prompts.misleading, _COPY_TOKEN_COUNT),
    }
    async with AsyncExitStack() as stack:
        off, lookup = [
            await stack.enter_async_context(
                serving(
                    Contender(f"upshift {way}", partial(upshift_command, speculation=way)),
                    one,
                    _ANSWER_TOKEN_COUNT,
                )
            )
            for way in ("off", "lookup")
        ]
        return {
            kind: await in_turn(partial(_checked, off, make), partial(_checked, lookup, make), round_count)
            for kind, make in kinds.items()
        }


def statistics_s(vocabulary_size: int = chain.VOCABULARY_SIZE) -> float:
    """Seconds that the log-probability of one token takes: the median of many, on one thread."""
    chance = np.random.default_rng(0)
    rows = chance.standard_normal((16, vocabulary_size), dtype=np.float32)  # as many as are written at once
    taken = []
    for number in range(10 * len(rows)):
        started = time.perf_counter()
        token_logprob("", rows[number % len(rows)], number)
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


async def _checked(server: Serving, make: Callable[..., str], number: int) -> float:
    prompt = make(number)
    answered: Answered = await server.ask(prompt)
    if answered.text != chain.answer(prompt, _ANSWER_TOKEN_COUNT):
        raise RuntimeError(f"{server.contender.name} gave a wrong answer of {answered.token_count} tokens")
    return answered.inter_token_s
