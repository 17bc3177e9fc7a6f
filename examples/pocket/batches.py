"""Samples as tensors: each on its own row, rows of like length together, so that little is padding.

Rows of one sample need no attention mask and sit at the positions they have in use. Packing rows of 256 was
measured slower here: a third of the time went into attention across samples that may not see each other.
"""

from collections.abc import Iterator

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from examples.pocket.family import Member
from examples.pocket.tasks import Sample, draw
from examples.pocket.tokenizer import ASSISTANT, END, SYSTEM, USER, written

IGNORED = -100
_WIDTH_STEP = 8
"""Few distinct shapes: each new one costs the CPU's matrix library milliseconds to prepare for."""
_SYSTEM_EVERY = 16
_SYSTEM = "You are a helpful assistant."


def _encode(sample: Sample, place: int, member: Member, tokenizer: PreTrainedTokenizerFast) -> tuple[list[int], int]:
    """Returns the ids of the whole exchange and how many of them are given rather than learnt."""
    system = f"{SYSTEM}{_SYSTEM}" if place % _SYSTEM_EVERY == 0 else ""
    given = tokenizer(f"{system}{USER}{sample.prompt}{ASSISTANT}").input_ids
    answer = written(sample, reasons=sample.kind in member.reasoning_kinds)
    return given + tokenizer(answer + END).input_ids, len(given)


def _padded(rows: list[tuple[list[int], int]]) -> tuple[Tensor, Tensor]:
    width = -(-max(len(ids) for ids, _ in rows) // _WIDTH_STEP) * _WIDTH_STEP
    ids = torch.zeros(len(rows), width, dtype=torch.long)
    labels = torch.full((len(rows), width), IGNORED)
    for place, (row, given) in enumerate(rows):
        ids[place, : len(row)] = torch.tensor(row)
        labels[place, given - 1 : len(row) - 1] = torch.tensor(row[given:])
    return ids, labels


def batch(
    step: int, *, seed: int, size: int, member: Member, tokenizer: PreTrainedTokenizerFast, parts: int = 4
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yields the micro-batches of one step as ids and labels, each (rows, tokens); labels are already shifted."""
    samples = draw(size, split="train", seed=seed * 10_000_000 + step)
    rows = sorted((_encode(sample, place, member, tokenizer) for place, sample in enumerate(samples)), key=_length)
    for start in range(0, size, size // parts):
        yield _padded(rows[start : start + size // parts])


def _length(row: tuple[list[int], int]) -> int:
    return len(row[0])
