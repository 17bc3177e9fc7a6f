"""The kernel that fetches missing experts: the GPU's own cores read them out of the host's pinned memory."""

from __future__ import annotations

import triton
import triton.language as tl

from backends.moe.device.kernel_ensure import NOTHING, PREFIX, REST


@triton.jit
def gather(
    rows,  # int64, pinned host memory: the layer's experts, row after row
    arena,  # int64: slots, row after row
    experts,  # int, (selections,)
    slots,  # int32, (selections,)
    fetches,  # int32, (selections,)
    row_words,  # int: words of 8 bytes of a row
    prefix_words,  # int: words of its prefix
    ROUND_COUNT: tl.constexpr,  # rounds in which all programs of a selection copy a whole row
    BLOCK: tl.constexpr,  # words that a program has in flight
):
    """Fetch what ``ensure`` said; programs (selections, any number)."""
    selection = tl.program_id(0)
    fetch = tl.load(fetches + selection)
    if fetch != NOTHING:
        begin = tl.where(fetch == REST, prefix_words, 0)
        end = tl.where(fetch == PREFIX, prefix_words, row_words)
        source = rows + tl.load(experts + selection).to(tl.int64) * row_words
        target = arena + tl.load(slots + selection).to(tl.int64) * row_words
        for i in range(ROUND_COUNT):
            first = begin + (i * tl.num_programs(1) + tl.program_id(1)) * BLOCK
            word = first + tl.arange(0, BLOCK)
            inside = word < end
            tl.store(target + word, tl.load(source + word, mask=inside), mask=inside)
