"""Thousands of mixed requests through one engine, and what that does to the memory of the process.

By hand: ``python -m tests.backends.llamacpp.engine.soak MODEL.gguf 10000``.
"""

from __future__ import annotations

import random
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from backends.llamacpp.engine.engine import Engine
from backends.serving.work import Event, Failed, Work, Wrote
from backends.types import Caller, JsonSchemaFormat, RegexFormat, Sampling
from tests.backends.llamacpp.engine.driving import open_engine

_PAGE_BYTE_COUNT = 4096
_AT_ONCE = 24
_FORMS = (
    JsonSchemaFormat({"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}),
    JsonSchemaFormat({"enum": ["yes", "no"]}),
    RegexFormat("[a-f]{3,9}"),
)
# Conversations begin alike, so that prefixes are found, kept and dropped.
_OPENINGS = [[5 + (i * step) % 240 for i in range(60)] for step in (1, 7, 11)]


@dataclass(frozen=True)
class Outcome:
    """How the requests ended, and the resident memory, in bytes, over the second half of them."""

    ends: Counter[str]
    byte_counts: tuple[int, ...]

    @property
    def slope(self) -> float:
        """Bytes a request, by least squares."""
        requests = np.linspace(0, self.ends.total() / 2, len(self.byte_counts))
        return float(np.polyfit(requests, self.byte_counts, 1)[0])


def soak(engine: Engine, count: int, seed: int = 0) -> Outcome:
    """Keep a full queue until ``count`` requests are through; cancel one of fifty on the way."""
    chance = random.Random(seed)
    ends: Counter[str] = Counter()
    left: dict[int, int] = {}
    byte_counts: list[int] = []
    sent = 0
    while sent < count or left:
        for id in range(sent, min(count, sent + _AT_ONCE - len(left))):  # noqa: A001
            each = _work(id, chance)
            engine.submit(each)
            left[id] = each.output_limit
            sent += 1
            if chance.random() < 0.02:
                engine.cancel(cancelled := chance.choice(list(left)))
                del left[cancelled]
                ends["cancelled"] += 1
        for event in engine.step():
            _note(event, left, ends)
        if sent > count // 2:
            byte_counts.append(_resident_byte_count())
    return Outcome(ends, tuple(byte_counts))


def _work(id: int, chance: random.Random) -> Work:  # noqa: A002
    opening = chance.choice([*_OPENINGS, []])
    tokens = [*opening, *(chance.randrange(5, 255) for _ in range(chance.randrange(1, 100)))]
    sampling = Sampling(
        temperature=chance.choice([0.0, 0.8]), seed=id, top_logprob_count=chance.choice([0, 0, 5])
    )
    return Work(
        id,
        tuple(tokens),
        sampling,
        output_limit=chance.randrange(1, 40),
        response_format=chance.choice([None, None, None, *_FORMS]),
        caller=Caller(chance.choice("abc"), chance.choice([0, 0, 0, 1])),
        deadline_s=time.monotonic() + chance.choice([0.002, 600, 600, 600, 600]),
    )


def _note(event: Event, left: dict[int, int], ends: Counter[str]) -> None:
    match event:
        case Failed():
            ends[event.error.reason] += 1
            del left[event.id]
        case Wrote():
            left[event.id] -= 1
            if event.ends or left[event.id] == 0:
                ends["completed"] += 1
                del left[event.id]
        case _:
            pass


def _resident_byte_count() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE_BYTE_COUNT


def main(model: str, count: str) -> None:
    """Run by hand and print."""
    engine = open_engine(Path(model), prefix_cache_mib=8, sequence_count=8)
    started_s = time.monotonic()
    outcome = soak(engine, int(count))
    print(dict(outcome.ends), f"{time.monotonic() - started_s:.1f} s")
    print(engine.load())
    print(f"resident {outcome.byte_counts[-1] / 2**20:.1f} MiB, slope {outcome.slope:.1f} bytes a request")
    engine.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
