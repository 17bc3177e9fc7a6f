"""MXFP4 weights, in which GPT-OSS is published: 4-bit floats, 32 of which share a power of two.

OCP Microscaling Formats (MX) Specification 1.0, sections 5.2 and 6.1; E2M1 elements, E8M0 scales.
"""

from __future__ import annotations

import torch

BLOCK_SIZE = 32
_BIAS = 127
_POSITIVE = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)
_VALUES = (*_POSITIVE, *(-value for value in _POSITIVE))


def restored_mxfp4(blocks: torch.Tensor, scales: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Return the matrix (outputs, inputs), exact in every type from bfloat16 on.

    ``blocks``: uint8 (outputs, inputs / 32, 16), two elements a byte, the first one low.
    ``scales``: uint8 (outputs, inputs / 32).
    """
    values = torch.tensor(_VALUES, dtype=torch.float32)
    elements = torch.stack((blocks & 15, blocks >> 4), -1).flatten(-2).to(torch.int32)
    exponents = scales.to(torch.int32)[..., None] - _BIAS
    return torch.ldexp(values[elements], exponents).flatten(-2).to(dtype)
