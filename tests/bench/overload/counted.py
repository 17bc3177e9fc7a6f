"""The command line's server, which also writes down what memory it uses: ``python -P counted.py serve ...``.

What a process holds grows by what its allocators keep for later, too; so this counts beside it what is in
use: blocks of Python's allocator, and bytes of C's. The caches of C's threads count as in use; they are
switched off where this is started.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

COUNTS = "counts.jsonl"
NO_CACHES = {"GLIBC_TUNABLES": "glibc.malloc.tcache_count=0:glibc.malloc.mxfast=0"}
_INTERVAL_S = 1.0


@dataclass(frozen=True, slots=True)
class Used:
    """Memory at one moment of the machine's steady clock.

    ``held_bytes``: of the process, in memory. ``block_count``: given out by Python's allocator, of at most
    512 bytes each. ``malloc_bytes``: given out by C's, for larger things and for libraries.
    """

    at_s: float
    held_bytes: int
    block_count: int
    malloc_bytes: int


class _Information(ctypes.Structure):
    """``struct mallinfo2``, see mallinfo(3)."""

    _names = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
    _fields_ = tuple((name, ctypes.c_size_t) for name in _names.split())


def _write_down(path: Path) -> None:
    mallinfo = ctypes.CDLL(None).mallinfo2
    mallinfo.restype = _Information
    page_bytes = os.sysconf("SC_PAGE_SIZE")
    with path.open("w") as file:
        while True:
            told = mallinfo()
            held_bytes = page_bytes * int(Path("/proc/self/statm").read_text().split()[1])
            malloc_bytes = told.uordblks + told.hblkhd
            used = Used(time.monotonic(), held_bytes, sys.getallocatedblocks(), malloc_bytes)
            file.write(json.dumps(asdict(used)) + "\n")
            file.flush()
            time.sleep(_INTERVAL_S)


def read(path: Path) -> list[Used]:
    """All that was written down so far; a line that is being written does not count."""
    whole, _, _ = path.read_text().rpartition("\n")
    return [Used(**json.loads(line)) for line in whole.splitlines()]


if __name__ == "__main__":
    from router.cli.app import main

    threading.Thread(target=_write_down, args=(Path(COUNTS),), daemon=True).start()
    main()
