"""Looks for inputs that break a target until time is up; by hypothesis, which sees no coverage."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from types import FrameType

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.fuzz.mutate import mutated
from tests.fuzz.target import CORPUS, Target

SLOW_S = 10
"""Seconds of computing that no parser may take over an input of 64 KiB."""
_BATCH_COUNT = 500


class SlowError(Exception):
    """An input took longer than any may."""


@dataclass(frozen=True, slots=True)
class Found:
    """An input that breaks its target, and how."""

    data: bytes
    error: BaseException

    def keep(self, target: Target) -> str:
        """Put the input into the corpus; returns its path."""
        path = CORPUS / target.name / f"found-{sha256(self.data).hexdigest()[:12]}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.data)
        return str(path)


def inputs(target: Target) -> st.SearchStrategy[bytes]:
    """Bytes for ``target``: made up, near its corpus, and of the words of its format."""
    seeds, words = target.seeds(), target.words.split(b"~") if target.words else []
    near = st.builds(lambda number: mutated(random.Random(number), seeds, words), st.integers(0, 2**64 - 1))
    pieces = st.lists(st.sampled_from(words) | st.binary(max_size=8)) if words else st.lists(st.binary())
    return st.one_of(near, near, st.binary(max_size=300), pieces.map(b"".join))


def hunt(target: Target, seconds: float, start: int) -> tuple[int, Found | None]:
    """Try inputs for ``seconds``; return how many were tried and the smallest that broke it, if any did.

    ``start`` seeds chance: the same number tries the same inputs.
    """
    ends_s, count, batch = time.monotonic() + seconds, 0, start
    while time.monotonic() < ends_s:
        tried: list[bytes] = []
        try:
            _batch(target, batch, tried, ends_s)
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            return count + len(tried), Found(tried[-1], error)
        count += len(tried)
        batch += 1
    return count, None


def _batch(target: Target, number: int, tried: list[bytes], ends_s: float) -> None:
    @seed(number)
    @settings(
        max_examples=_BATCH_COUNT,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(inputs(target))
    def check(data: bytes) -> None:
        if time.monotonic() < ends_s + SLOW_S:
            tried.append(data)
            with alarm(SLOW_S):
                target.check(data)

    check()


@contextmanager
def alarm(seconds: int) -> Iterator[None]:
    """Raise SlowError in what computes for more than ``seconds``; in the main thread only.

    Other work on the machine does not count: it is the process's own time.
    """

    def ring(_: int, __: FrameType | None) -> None:
        raise SlowError(f"more than {seconds} s")

    before = signal.signal(signal.SIGPROF, ring)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
