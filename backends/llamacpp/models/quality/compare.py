"""The quality report: an original, its quantised copy, and what lies between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from backends.llamacpp.models.child import run_job
from backends.llamacpp.models.header import read_header
from backends.llamacpp.models.progress import Progress, silent
from backends.llamacpp.models.quality.measures import Measures
from backends.llamacpp.models.quality.verdict import Limit, judge
from backends.llamacpp.models.shape import shape_of
from backends.llamacpp.models.texts import PASSAGES, Text
from backends.llamacpp.selftest import may_use_extra_buffers

_NATIVE = "backends.llamacpp.models.quality.native"


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two files. ``tokens_per_second``: one sequence, short context, both timed in turns."""

    path: Path
    byte_count: int
    tokens_per_second: float


@dataclass(frozen=True, slots=True)
class Quality:
    """The report."""

    original: Side
    other: Side
    measures: Measures
    limit: Limit

    @property
    def size_ratio(self) -> float:
        """Bytes of the other file for one of the original."""
        return self.other.byte_count / self.original.byte_count

    @property
    def speed_ratio(self) -> float:
        """How many times as fast the other one writes."""
        return self.other.tokens_per_second / self.original.tokens_per_second


def compare(
    original: Path, other: Path, *, texts: Sequence[Text] = PASSAGES, progress: Progress = silent
) -> Quality:
    """Compare two files with the same vocabulary on ``texts``, in windows of at most 512 tokens.

    Reads every token with both models, keeps both in memory, and raises Refused where a file is wrong.
    """
    headers = [read_header(path) for path in (original, other)]
    for header in headers:
        shape_of(header)
    models = [(str(path), may_use_extra_buffers(path)) for path in (original, other)]
    found = run_job(_NATIVE, {"models": models, "texts": [asdict(text) for text in texts]}, progress)
    measures = Measures(**found["measures"])
    sides = [
        Side(path, header.file_byte_count, speed)
        for path, header, speed in zip((original, other), headers, found["tokens_per_second"], strict=True)
    ]
    return Quality(sides[0], sides[1], measures, judge(measures))
