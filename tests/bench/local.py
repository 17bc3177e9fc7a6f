"""How many tokens the local tier writes a second, by how many ask at once, beside transformers' generate().

Both compute the same model in this process on the same prompts, greedily, in turns of several rounds.
Seconds by the clock are what callers see; on a machine that is shared, tokens per second of CPU tell more.
The last line is JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table

from backends.moe.backend import MoeBackend
from backends.moe.loading import load_model, load_tokenizer, use_threads
from backends.moe.options import MoeOptions
from backends.types import Completion, Delta, Message, Prompt, Role, Sampling
from examples.pocket.tasks.draw import draw

POCKET = Path(__file__).parents[2] / "examples" / "pocket" / "weights" / "local"
# Takes a text and returns how many tokens were written and the seconds to the first.
Ask = Callable[[str], Awaitable[tuple[int, float]]]


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one round: tokens a second by the clock and by the CPU, and the median wait for a first token."""

    per_s: float
    per_cpu_s: float
    first_ms: float


async def measured(ask: Ask, texts: list[str], at_once: int) -> Figures:
    """Ask for all ``texts``, so many at once."""
    places = asyncio.Semaphore(at_once)

    async def one(text: str) -> tuple[int, float]:
        async with places:
            return await ask(text)

    started_s, started_cpu_s = time.perf_counter(), time.process_time()
    answers = await asyncio.gather(*(one(text) for text in texts))
    tokens = sum(count for count, _ in answers)
    return Figures(
        tokens / (time.perf_counter() - started_s),
        tokens / (time.process_time() - started_cpu_s),
        1e3 * statistics.median(first_s for _, first_s in answers),
    )


def asking_tier(backend: MoeBackend, limit: int) -> Ask:
    """Ask the local tier, with log-probabilities, as the router does."""

    async def ask(text: str) -> tuple[int, float]:
        started_s, first_s, count = time.perf_counter(), 0.0, 0
        prompt = Prompt((Message(Role.USER, text),), Sampling(max_output_token_count=limit))
        async for item in backend.stream(prompt):
            if isinstance(item, Delta) and not first_s:
                first_s = time.perf_counter() - started_s
            if isinstance(item, Completion):
                count = item.usage.output_token_count
        return count, first_s

    return ask


def asking_generate(options: MoeOptions, limit: int) -> Ask:
    """Ask transformers, one at a time; it gives a whole answer, so the first token comes with the last."""
    tokenizer, model = load_tokenizer(options), load_model(options)
    use_threads(options, model)

    async def ask(text: str) -> tuple[int, float]:
        started_s = time.perf_counter()
        messages = [{"role": "user", "content": text}]
        inputs = tokenizer.apply_chat_template(
            messages, add_generation_prompt=True, return_tensors="pt", return_dict=True
        ).to(model.device)
        with torch.inference_mode():
            written = model.generate(**inputs, max_new_tokens=limit, do_sample=False)
        return written.shape[1] - inputs["input_ids"].shape[1], time.perf_counter() - started_s

    return ask


async def run(arguments: argparse.Namespace) -> dict[str, list[Figures]]:
    """Measure everybody in turns."""
    options = MoeOptions(
        model=arguments.model, thread_count=arguments.threads, sequence_count=max(arguments.callers)
    )
    backend = MoeBackend(options)
    await backend.start()
    tier, generate = asking_tier(backend, arguments.tokens), asking_generate(options, arguments.tokens)
    contenders: dict[str, tuple[Ask, int]] = {"generate(), one at a time": (generate, 1)}
    contenders |= {f"local tier, {count} at once": (tier, count) for count in arguments.callers}
    rounds: dict[str, list[Figures]] = {name: [] for name in contenders}
    for number in track(range(arguments.rounds + 1), "rounds", console=Console(stderr=True)):
        # New ones each time: the tier would know those that it has read before.
        texts = [sample.prompt for sample in draw(arguments.answers, split="train", seed=number)]
        for name, (ask, count) in contenders.items():
            figures = await measured(ask, texts, count)
            if number:  # the first one warms up
                rounds[name].append(figures)
    await backend.close()
    return rounds


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.local", description=__doc__)
    parser.add_argument("--model", default=str(POCKET), help="folder or hub name; default: the pocket model")
    parser.add_argument("--callers", type=int, nargs="+", default=[1, 4, 8], help="how many ask at once")
    parser.add_argument("--answers", type=int, default=32, help="answers in a round")
    parser.add_argument("--tokens", type=int, default=64, help="most tokens of an answer")
    parser.add_argument("--threads", type=int, default=1, help="threads that compute")
    parser.add_argument("--rounds", type=int, default=5, help="rounds that count; the median does")
    arguments = parser.parse_args()
    rounds = asyncio.run(run(arguments))
    shown = Table("", title="medians")
    for heading in ("tokens/s", "tokens per CPU second", "first token ms"):
        shown.add_column(heading, justify="right")
    found = {}
    for name, each in rounds.items():
        columns = zip(*((one.per_s, one.per_cpu_s, one.first_ms) for one in each), strict=True)
        found[name] = [round(statistics.median(column), 1) for column in columns]
        shown.add_row(name, *(f"{value:.0f}" for value in found[name]))
    Console().print(shown)
    print(json.dumps({"medians": found, "torch": torch.__version__, "rounds": arguments.rounds}))


if __name__ == "__main__":
    main()
