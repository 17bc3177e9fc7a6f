"""The comparison: rounds of streams that start together, servers in turn, so that drift hits all alike."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

import httpx

from router.rpc.client import UpshiftError
from tests.bench.edge import chain, prompts
from tests.bench.edge.contenders import Contender, Setting
from tests.bench.edge.serving import Serving, serving
from tests.bench.edge.sources import MissingError

PROMPT_TOKEN_COUNT = 128
ANSWER_TOKEN_COUNT = 64
FAILURES = (MissingError, RuntimeError, httpx.HTTPError, UpshiftError)
"""Whatever keeps a server from being measured."""


@dataclass(frozen=True, slots=True)
class Round:
    """One server's answers to streams that were started together.

    ``tokens_per_s``: generated, over the time from the first question to the last token.
    ``first_token_s``, ``inter_token_s``: means over the streams.
    """

    tokens_per_s: float
    first_token_s: float
    first_token_p95_s: float
    inter_token_s: float
    cpu_s: float
    asker_cpu_s: float


Rounds = dict[str, list[Round]]
Say = Callable[[str], None]
"""Takes a line about what goes on."""


async def one_round(server: Serving, asked: Sequence[str]) -> Round:
    """Ask ``asked`` all at once. Raises RuntimeError where an answer is not what the model must write."""
    server_cpu, own_cpu = server.process.cpu_s(), time.process_time()
    answers = await asyncio.gather(*(server.ask(prompt) for prompt in asked))
    own_cpu, server_cpu = time.process_time() - own_cpu, server.process.cpu_s() - server_cpu
    for prompt, answered in zip(asked, answers, strict=True):
        if answered.text != chain.answer(prompt, ANSWER_TOKEN_COUNT):
            raise RuntimeError(f"gave a wrong answer of {answered.token_count} tokens")
    elapsed = max(answered.last_s for answered in answers) - min(answered.asked_s for answered in answers)
    first = sorted(answered.first_token_s for answered in answers)
    return Round(
        tokens_per_s=len(answers) * ANSWER_TOKEN_COUNT / elapsed,
        first_token_s=statistics.fmean(first),
        first_token_p95_s=first[min(int(0.95 * len(first)), len(first) - 1)],
        inter_token_s=statistics.fmean(answered.inter_token_s for answered in answers),
        cpu_s=server_cpu,
        asker_cpu_s=own_cpu,
    )


async def compare(
    contenders: Sequence[Contender], setting: Setting, round_count: int, missing: dict[str, str], say: Say
) -> Rounds:
    """Let every server answer ``setting.stream_count`` streams, ``round_count`` times, in turn.

    Those that cannot run, or fail, are left out; ``missing`` then says why.
    """
    found: Rounds = {contender.name: [] for contender in contenders}

    def leave_out(name: str, error: Exception) -> None:
        missing[f"{name}, N={setting.stream_count}"] = str(error)
        say(f"{name} is left out: {error}")
        found.pop(name)

    async with AsyncExitStack() as stack:
        servers = []
        for contender in contenders:
            try:
                starting = serving(contender, setting, ANSWER_TOKEN_COUNT)
                servers.append(await stack.enter_async_context(starting))
            except FAILURES as error:
                leave_out(contender.name, error)
        for number in range(-1, round_count):  # the first warms up
            for server in _rotated(servers, number):
                name = server.contender.name
                try:
                    measured = await one_round(server, _prompts(setting, number))
                except FAILURES as error:
                    leave_out(name, error)
                    servers.remove(server)
                else:
                    say(f"{name}: {measured.tokens_per_s:.1f} tokens/s")
                    found[name] += [measured] if number >= 0 else []
    return found


def _rotated(servers: list[Serving], number: int) -> list[Serving]:
    """The servers, each round another one first."""
    first = number % max(1, len(servers))
    return servers[first:] + servers[:first]


def _prompts(setting: Setting, number: int) -> list[str]:
    """As many as there are streams; one to warm up, which takes a tenth of the time of a round."""
    count = setting.stream_count if number >= 0 else 1
    return [prompts.plain(PROMPT_TOKEN_COUNT, setting.stream_count, number, n) for n in range(count)]
