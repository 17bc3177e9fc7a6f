"""Samples as tensors: each on its own row, rows of like length together, so that little is padding.

Rows of one sample need no attention mask and sit at the positions they have in use. Packing rows of 256 was
measured slower here: a third of the time went into attention across samples that may not see each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from examples.pocket.family import Member
from examples.pocket.tasks import Sample
from examples.pocket.tokenizer import ASSISTANT, END, PAD_ID, SYSTEM, USER, written

IGNORED = -100
_WIDTH_STEP = 8
"""Few distinct shapes: each new one costs the CPU's matrix library milliseconds to prepare for."""
_ROWS = 16
_SYSTEM_EVERY = 16
_SYSTEM = "You are a helpful assistant."


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and its answer as token ids."""

    ids: tuple[int, ...]
    given_count: int
    """How many of the ids are given rather than learnt."""


def exchange(sample: Sample, member: Member, tokenizer: PreTrainedTokenizerFast) -> Exchange:
    """Returns what the member learns from a sample; one in sixteen has a system message before it."""
    system = f"{SYSTEM}{_SYSTEM}" if crc32(sample.prompt.encode()) % _SYSTEM_EVERY == 0 else ""
    given = tokenizer(f"{system}{USER}{sample.prompt}{ASSISTANT}").input_ids
    answer = written(sample, reasons=sample.kind in member.reasoning_kinds)
    return Exchange((*given, *tokenizer(answer + END).input_ids), len(given))


def _padded(rows: Sequence[Exchange]) -> tuple[Tensor, Tensor]:
    width = -(-max(len(row.ids) for row in rows) // _WIDTH_STEP) * _WIDTH_STEP
    ids = torch.full((len(rows), width), PAD_ID)
    labels = torch.full((len(rows), width), IGNORED)
    for place, row in enumerate(rows):
        ids[place, : len(row.ids)] = torch.tensor(row.ids)
        labels[place, row.given_count - 1 : len(row.ids) - 1] = torch.tensor(row.ids[row.given_count :])
    return ids, labels


def micro_batches(exchanges: Sequence[Exchange]) -> list[tuple[Tensor, Tensor]]:
    """Returns a few batches of like length, each ids and labels, (rows, tokens); labels are shifted."""
    rows = sorted(exchanges, key=lambda row: len(row.ids))
    return [_padded(rows[start : start + _ROWS]) for start in range(0, len(rows), _ROWS)]
