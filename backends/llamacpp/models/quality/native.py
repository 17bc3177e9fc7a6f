"""Reads the same texts with two models and measures how far apart they are, and how fast each writes.

A job for a child process, see :mod:`backends.llamacpp.models.child`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from backends.errors import Refused
from backends.llamacpp.models.child import serve_job
from backends.llamacpp.models.header import read_header
from backends.llamacpp.models.loaded import BATCH_TOKEN_COUNT, Loaded, loaded
from backends.llamacpp.models.progress import Progress
from backends.llamacpp.models.quality.measures import Tally
from backends.llamacpp.models.shape import shape_of
from backends.llamacpp.models.texts import Text, Window, windows

_CONTEXT_TOKEN_COUNT = 512
# Written one by one and timed; the fastest of so many rounds, in which the models take turns.
_TIMED_TOKEN_COUNT = 32
_ROUND_COUNT = 4


def main() -> None:
    """Be the child."""
    serve_job(_job)


def _job(request: Mapping[str, Any], progress: Progress) -> Mapping[str, Any]:
    length = min(_CONTEXT_TOKEN_COUNT, *(_context(path) for path, _ in request["models"]))
    with ExitStack() as stack:
        original, other = (
            stack.enter_context(loaded(Path(path), context_token_count=length, extra_buffers=extra_buffers))
            for path, extra_buffers in request["models"]
        )
        texts = [Text(**text) for text in request["texts"]]
        pieces = windows(original, texts, length)
        if other.vocabulary_size != original.vocabulary_size or pieces != windows(other, texts, length):
            raise Refused("the two files have different vocabularies; compare a file with its own original")
        tally = Tally()
        for done, window in enumerate(pieces):
            _compare(tally, original, other, window)
            progress("comparing", done + 1, len(pieces))
        progress("timing", 0, 0)
        speeds = _speeds((original, other), pieces[0].tokens, length)
    return {"measures": asdict(tally.measures()), "tokens_per_second": speeds}


def _context(path: str) -> int:
    return shape_of(read_header(Path(path))).context_token_count


def _compare(tally: Tally, original: Loaded, other: Loaded, window: Window) -> None:
    """Count the judged positions; the last one is not: what follows it is not known."""
    tokens = window.tokens
    both = zip(original.read_all(tokens), other.read_all(tokens), strict=True)
    for (start, logits), (_, its_logits) in both:
        following = tokens[start + 1 : start + 1 + BATCH_TOKEN_COUNT]
        judged = slice(max(0, window.first - start), len(following))
        tally.add(logits[judged], its_logits[judged], following[judged])


def _speeds(models: Sequence[Loaded], tokens: Sequence[int], length: int) -> list[float]:
    """Tokens a second that each model writes at the beginning of a text."""
    count = min(_TIMED_TOKEN_COUNT, length)
    written = [tokens[i % len(tokens)] for i in range(count)]
    best_s = [float("inf")] * len(models)
    for _ in range(_ROUND_COUNT):
        for i, model in enumerate(models):
            model.forget()
            started_s = time.perf_counter()
            for position, token in enumerate(written):
                model.read([token], position)
            best_s[i] = min(best_s[i], time.perf_counter() - started_s)
    return [count / seconds for seconds in best_s]


if __name__ == "__main__":
    main()
