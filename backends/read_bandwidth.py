"""How fast this machine's memory can be read, which is how fast a model can write at best.

Writing a token reads every weight once, so bandwidth by bytes of weights is the most tokens a second
of one answer. Decides nothing.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

# Far more than a cache holds; the largest last-level caches have a few hundred MB, on many more cores.
_BYTE_COUNT = 256 * 2**20


def read_bandwidth(thread_count: int, *, duration_s: float = 0.3, byte_count: int = _BYTE_COUNT) -> float:
    """Bytes a second that ``thread_count`` threads read together, the best pass of ``duration_s``.

    The best and not the mean: what else runs can only take away. Takes a little longer than
    ``duration_s``, and ``byte_count`` of memory meanwhile.
    """
    # Ones, not zeros: untouched pages of zeros are all one page, which a cache holds.
    parts = np.array_split(np.ones(byte_count // 8, np.int64), thread_count)
    best_s = float("inf")
    with ThreadPoolExecutor(thread_count) as threads:
        end = time.perf_counter() + duration_s
        while (started := time.perf_counter()) < end:
            list(threads.map(np.sum, parts))  # numpy lets go of the interpreter while it adds
            best_s = min(best_s, time.perf_counter() - started)
    return byte_count / best_s
