"""FP8 weights, in which DeepSeek-V3 and others are published: 8-bit floats, a block of which shares a scale.

DeepSeek-V3 Technical Report (2024), section 3.3.2: blocks of 128 x 128 weights, E4M3 elements.
"""

from __future__ import annotations

import torch


def restored_fp8(elements: torch.Tensor, scales: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Return the matrix (outputs, inputs), rounded to ``dtype``.

    ``elements``: float8_e4m3fn (outputs, inputs). ``scales``: (rows, columns) of blocks, what each
    block is multiplied by; the blocks at the end may be smaller. Raises ValueError where both do not go
    together.
    """
    heights, widths = (
        _block_lengths(size, count) for size, count in zip(elements.shape, scales.shape, strict=True)
    )
    spread = scales.float().repeat_interleave(heights, 0).repeat_interleave(widths, 1)
    return (elements.float() * spread).to(dtype)


def _block_lengths(size: int, count: int) -> torch.Tensor:
    """Lengths of ``count`` blocks that cover ``size``, all alike but the last."""
    length = _block_length(size, count)
    lengths = torch.full((count,), length)
    lengths[-1] = size - length * (count - 1)
    return lengths


def _block_length(size: int, count: int) -> int:
    # What the checkpoint's config says, where it is 128; the grid alone tells for smaller matrices.
    for length in (128, -(-size // count)):
        if -(-size // length) == count:
            return length
    raise ValueError(f"{count} blocks do not cover {size} weights")
