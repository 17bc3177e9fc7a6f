"""The kernels that multiply with rows of 4-bit experts where they lie in the arena.

A step has few tokens, so every weight is read once and the GPU's memory sets the pace: weights stay
codes until they are in registers. Products and sums are float32.
"""

from __future__ import annotations

import torch
import triton
import triton.language as tl

TYPES = {torch.bfloat16: tl.bfloat16, torch.float16: tl.float16}
"""Triton's names of the types that a model may compute in."""


@triton.jit
def _products(
    row,  # uint8: where the expert begins
    vector,  # int64, (inputs / 4,): four numbers of 16 bits each
    output,  # int, (BLOCK,): outputs wanted
    output_count,  # int
    group,  # int, (GROUPS,): groups of inputs wanted
    HI: tl.constexpr,
    LO: tl.constexpr,
    GRID: tl.constexpr,
    GROUP_COUNT: tl.constexpr,
    QUARTER: tl.constexpr,  # a quarter of a group: bytes of its codes
    TYPE: tl.constexpr,  # of the numbers in ``vector``
    WITH_LOW: tl.constexpr,
):
    """Products of weights with the vector, summed over four neighbours; float32, (BLOCK, GROUPS, QUARTER)."""
    byte = tl.arange(0, QUARTER)
    inside = (output < output_count)[:, None] & (group < GROUP_COUNT)[None, :]
    cell = output[:, None] * GROUP_COUNT + group[None, :]
    place = cell[:, :, None] * QUARTER + byte[None, None, :]
    high = tl.load(row + HI + place, mask=inside[:, :, None], other=0).to(tl.int32)
    if WITH_LOW:
        low = tl.load(row + LO + place, mask=inside[:, :, None], other=0).to(tl.int32)
    grid = (row + GRID).to(tl.pointer_type(tl.float16))
    scale = tl.load(grid + 2 * cell, mask=inside, other=0.0).to(tl.float32)
    minimum = tl.load(grid + 2 * cell + 1, mask=inside, other=0.0).to(tl.float32)
    fours = tl.load(
        vector + group[:, None] * QUARTER + byte[None, :], mask=(group < GROUP_COUNT)[:, None], other=0
    )
    dot = tl.zeros(place.shape, tl.float32)
    total = tl.zeros(fours.shape, tl.float32)
    for i in tl.static_range(4):
        number = (fours >> (16 * i)).to(tl.int16).to(TYPE, bitcast=True).to(tl.float32)
        code = (high >> (2 * i)) & 3
        if WITH_LOW:
            code = code * 4 + ((low >> (2 * i)) & 3)
        dot += code.to(tl.float32) * number[None, :, :]
        total += number
    return dot * scale[:, :, None] + minimum[:, :, None] * total[None, :, :]


@triton.jit
def _dot(
    row,
    vector,
    output,
    output_count,
    level,
    HI: tl.constexpr,
    LO: tl.constexpr,
    HI_GRID: tl.constexpr,
    LO_GRID: tl.constexpr,
    GROUP_COUNT: tl.constexpr,
    QUARTER: tl.constexpr,
    TYPE: tl.constexpr,
    GROUPS: tl.constexpr,
    LITTLE: tl.constexpr,
):
    """One number an output: the matrix, at the level that is there, times the vector; float32, (BLOCK,)."""
    sums = tl.zeros((output.shape[0], GROUPS, QUARTER), tl.float32)
    lane = tl.arange(0, GROUPS)
    if LITTLE and level == 1:
        for first in range(0, GROUP_COUNT, GROUPS):
            sums += _products(
                row,
                vector,
                output,
                output_count,
                first + lane,
                HI,
                LO,
                HI_GRID,
                GROUP_COUNT,
                QUARTER,
                TYPE,
                False,
            )
    else:
        for first in range(0, GROUP_COUNT, GROUPS):
            sums += _products(
                row,
                vector,
                output,
                output_count,
                first + lane,
                HI,
                LO,
                LO_GRID,
                GROUP_COUNT,
                QUARTER,
                TYPE,
                True,
            )
    return tl.sum(tl.sum(sums, 2), 1)


@triton.jit
def project_up(
    arena,  # uint8: slots, row after row
    hidden,  # int64 view of 16-bit numbers, (tokens, hidden / 4)
    slots,  # int32, (selections,)
    levels,  # int32, (selections,)
    inner,  # 16-bit out: (selections, inner) with the activation applied, else (selections, up)
    row_bytes,
    hidden_words,  # words of 8 bytes a token
    INNER_SIZE: tl.constexpr,
    TOP_K: tl.constexpr,
    HI: tl.constexpr,
    LO: tl.constexpr,
    HI_GRID: tl.constexpr,
    LO_GRID: tl.constexpr,
    BIAS: tl.constexpr,  # -1: none
    GROUP_COUNT: tl.constexpr,
    QUARTER: tl.constexpr,
    TYPE: tl.constexpr,
    GROUPS: tl.constexpr,
    BLOCK: tl.constexpr,
    GATED_SILU: tl.constexpr,  # INNER_SIZE outputs of silu(gate) * up; else INNER_SIZE plain outputs
    LITTLE: tl.constexpr,
):
    """Multiply a token with ``up`` of each expert that it chose; programs (selections, blocks of outputs)."""
    selection = tl.program_id(0)
    output = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    row = arena + tl.load(slots + selection).to(tl.int64) * row_bytes
    level = tl.load(levels + selection)
    vector = hidden + (selection // TOP_K) * hidden_words
    result = _dot(
        row,
        vector,
        output,
        INNER_SIZE,
        level,
        HI,
        LO,
        HI_GRID,
        LO_GRID,
        GROUP_COUNT,
        QUARTER,
        TYPE,
        GROUPS,
        LITTLE,
    )
    if BIAS >= 0:
        bias = (row + BIAS).to(tl.pointer_type(TYPE))
        result += tl.load(bias + output, mask=output < INNER_SIZE, other=0.0).to(tl.float32)
    if GATED_SILU:
        gate = result.to(TYPE).to(tl.float32)
        other = output + INNER_SIZE
        up = _dot(
            row,
            vector,
            other,
            2 * INNER_SIZE,
            level,
            HI,
            LO,
            HI_GRID,
            LO_GRID,
            GROUP_COUNT,
            QUARTER,
            TYPE,
            GROUPS,
            LITTLE,
        )
        if BIAS >= 0:
            up += tl.load(bias + other, mask=output < INNER_SIZE, other=0.0).to(tl.float32)
        active = (gate / (1.0 + tl.exp(-gate))).to(TYPE).to(tl.float32)
        result = active * up.to(TYPE).to(tl.float32)
    tl.store(inner + selection * INNER_SIZE + output, result.to(TYPE), mask=output < INNER_SIZE)


@triton.jit
def project_down(
    arena,
    inner,  # int64 view of 16-bit numbers, (selections, inner / 4)
    slots,
    levels,
    shares,  # float, (selections,): gate shares
    outcome,  # 16-bit out, (tokens, hidden)
    row_bytes,
    inner_words,
    HIDDEN_SIZE: tl.constexpr,
    TOP_K: tl.constexpr,
    HI: tl.constexpr,
    LO: tl.constexpr,
    HI_GRID: tl.constexpr,
    LO_GRID: tl.constexpr,
    BIAS: tl.constexpr,
    GROUP_COUNT: tl.constexpr,
    QUARTER: tl.constexpr,
    TYPE: tl.constexpr,
    GROUPS: tl.constexpr,
    BLOCK: tl.constexpr,
    LITTLE: tl.constexpr,
):
    """Multiply with ``down`` and mix by gate share; programs (tokens, blocks of outputs)."""
    token = tl.program_id(0)
    output = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    mixed = tl.zeros((BLOCK,), tl.float32)
    for i in range(TOP_K):
        selection = token * TOP_K + i
        row = arena + tl.load(slots + selection).to(tl.int64) * row_bytes
        level = tl.load(levels + selection)
        vector = inner + selection * inner_words
        result = _dot(
            row,
            vector,
            output,
            HIDDEN_SIZE,
            level,
            HI,
            LO,
            HI_GRID,
            LO_GRID,
            GROUP_COUNT,
            QUARTER,
            TYPE,
            GROUPS,
            LITTLE,
        )
        if BIAS >= 0:
            bias = (row + BIAS).to(tl.pointer_type(TYPE))
            result += tl.load(bias + output, mask=output < HIDDEN_SIZE, other=0.0).to(tl.float32)
        mixed += result * tl.load(shares + selection).to(tl.float32)
    tl.store(outcome + token * HIDDEN_SIZE + output, mixed.to(TYPE), mask=output < HIDDEN_SIZE)


@triton.jit
def restore(
    rows,  # uint8: experts, row after row
    matrices,  # 16-bit out, (experts, outputs, inputs)
    row_bytes,
    OUTPUT_COUNT: tl.constexpr,
    HI: tl.constexpr,
    LO: tl.constexpr,
    GRID: tl.constexpr,
    GROUP_COUNT: tl.constexpr,
    QUARTER: tl.constexpr,
    TYPE: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """Write out the matrices that both planes stand for; one program an expert, BLOCK outputs and a group."""
    expert = tl.program_id(0).to(tl.int64)
    output = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    group = tl.program_id(2)
    byte = tl.arange(0, QUARTER)
    inside = output < OUTPUT_COUNT
    row = rows + expert * row_bytes
    cell = output * GROUP_COUNT + group
    place = cell[:, None] * QUARTER + byte[None, :]
    high = tl.load(row + HI + place, mask=inside[:, None], other=0).to(tl.int32)
    low = tl.load(row + LO + place, mask=inside[:, None], other=0).to(tl.int32)
    grid = (row + GRID).to(tl.pointer_type(tl.float16))
    scale = tl.load(grid + 2 * cell, mask=inside, other=0.0).to(tl.float32)
    minimum = tl.load(grid + 2 * cell + 1, mask=inside, other=0.0).to(tl.float32)
    target = matrices + expert * OUTPUT_COUNT * GROUP_COUNT * QUARTER * 4
    for i in tl.static_range(4):
        code = ((high >> (2 * i)) & 3) * 4 + ((low >> (2 * i)) & 3)
        number = code.to(tl.float32) * scale[:, None] + minimum[:, None]
        tl.store(target + place * 4 + i, number.to(TYPE), mask=inside[:, None])
