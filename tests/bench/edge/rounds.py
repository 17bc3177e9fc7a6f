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


class Comparison:
    """Servers of one setting that answer in turn; one that fails leaves, and ``missing`` says why."""

    def __init__(self, setting: Setting, missing: dict[str, str], say: Say) -> None:
        self._setting = setting
        self._missing = missing
        self._say = say
        self._servers: list[Serving] = []
        self._rounds: Rounds = {}

    async def run(self, contenders: Sequence[Contender], round_count: int) -> Rounds:
        """Let each answer as many streams as the setting says, ``round_count`` times."""
        async with AsyncExitStack() as stack:
            for contender in contenders:
                await self._start(contender, stack)
            for number in range(-1, round_count):  # the first warms up
                first = number % max(1, len(self._servers))
                for server in self._servers[first:] + self._servers[:first]:
                    await self._measure(server, number)
        return self._rounds

    async def _start(self, contender: Contender, stack: AsyncExitStack) -> None:
        try:
            starting = serving(contender, self._setting, ANSWER_TOKEN_COUNT)
            self._servers.append(await stack.enter_async_context(starting))
        except FAILURES as error:
            self._leave_out(contender, error)

    async def _measure(self, server: Serving, number: int) -> None:
        contender = server.contender
        try:
            measured = await one_round(server, _prompts(self._setting, number))
        except FAILURES as error:
            self._servers.remove(server)
            self._rounds.pop(contender.name, None)
            self._leave_out(contender, error)
            return
        if number >= 0:
            self._rounds.setdefault(contender.name, []).append(measured)
            self._say(f"{contender.name}: {measured.tokens_per_s:.1f} tokens/s")

    def _leave_out(self, contender: Contender, error: Exception) -> None:
        self._missing[f"{contender.name}, N={self._setting.stream_count}"] = str(error)
        self._say(f"{contender.name} is left out: {error}")


def _prompts(setting: Setting, number: int) -> list[str]:
    """As many as there are streams; one to warm up, which takes a tenth of the time of a round."""
    count = setting.stream_count if number >= 0 else 1
    return [prompts.plain(PROMPT_TOKEN_COUNT, setting.stream_count, number, n) for n in range(count)]
