"""How many threads a model that computes on this machine's processor should use."""

from __future__ import annotations

import os
from pathlib import Path

_SMT = Path("/sys/devices/system/cpu/smt/active")
# A thread reads about 10 GB/s, so this is 3 ms of work a token; below it threads wait for each other
# longer than they work (measured on 2 cores: 1 MB model 0.3 ms a token on one thread, 0.6 ms on two,
# and 200 ms on two whenever something else runs).
_WEIGHT_BYTES_PER_THREAD = 32 * 2**20


def thread_count_for(weight_byte_count: int) -> int:
    """Threads for a model whose weights take ``weight_byte_count``: at most one a physical core."""
    return min(core_count(), 1 + weight_byte_count // _WEIGHT_BYTES_PER_THREAD)


def core_count() -> int:
    """Physical cores that this process may use, at least 1; an estimate where the system does not say.

    Two hardware threads of one core share its arithmetic units, so a second one only adds waiting.
    """
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    threads_per_core = 2 if _SMT.exists() and _SMT.read_text().strip() == "1" else 1
    return max(1, usable // threads_per_core)
