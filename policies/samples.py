"""Several answers of one tier to one prompt: how the further ones are asked for, and how they vote.

Pure: knows neither who answers nor at what cost. The first answer is always the one that the
caller asked for, so that a vote of one changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from hashlib import blake2b

from backends.types import Prompt
from policies.signals.agreement import groups, read

MAX_SAMPLE_COUNT = 16
"""Answers of one tier to one prompt, the first included."""


def further_prompts(prompt: Prompt, count: int, temperature: float) -> tuple[Prompt, ...]:
    """``prompt`` again ``count`` times, each with a seed of its own and at least ``temperature``.

    The same prompt gives the same seeds, so that a request can be repeated.
    """
    sampling = prompt.sampling
    first = _seed(prompt) if sampling.seed is None else sampling.seed
    return tuple(
        replace(
            prompt,
            sampling=replace(
                sampling, temperature=max(sampling.temperature, temperature), seed=(first + number) % 2**63
            ),
        )
        for number in range(1, count + 1)
    )


def elected(texts: Sequence[str]) -> int:
    """Place of the answer that most agree with: the first of the largest group, the earlier on ties.

    Answers agree where they come down to the same; one without a conclusion agrees with none.
    ``texts`` must not be empty.
    """
    named = groups([read(text) for text in texts])
    sizes = [1 if group is None else named.count(group) for group in named]
    return sizes.index(max(sizes))


def _seed(prompt: Prompt) -> int:
    digest = blake2b(prompt.text.encode("utf-8", "replace"), digest_size=7).digest()
    return int.from_bytes(digest)
