"""How fast pages are split, and how much memory a worker takes for it."""

from __future__ import annotations

import resource
import time
from dataclasses import dataclass
from pathlib import Path

from router.documents.limits import Limits
from router.documents.parse.pdf import PdfSplitter
from tests.router.documents.files import Sheet, pdf, prose, table

_ROWS = [["Item", "Count", "Price"], ["Apples", "3", "1.20"], ["Pears", "5", "2.50"], ["Plums", "10", "4.75"]]


@dataclass(frozen=True, slots=True)
class Pace:
    """Pages a CPU second, and the most memory that this process has held, in MiB, before and after."""

    page_count: int
    pages_per_cpu_second: float
    before_mib: float
    after_mib: float


def measure(folder: Path, page_count: int) -> Pace:
    """Split a PDF of so many pages, written into ``folder``; run it in a process of its own."""
    path = folder / "long.pdf"
    path.write_bytes(pdf([Sheet((*prose(4), *table(_ROWS)))] * page_count))
    before, began_s = _peak_mib(), time.process_time()
    count = sum(1 for _ in PdfSplitter().split(path, Limits()))
    return Pace(count, count / (time.process_time() - began_s), before, _peak_mib())


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
