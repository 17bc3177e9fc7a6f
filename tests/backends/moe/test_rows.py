"""What is written into a row is what is read from it."""

from __future__ import annotations

import pytest
import torch

from backends.moe.store.layout import ROW_ALIGNMENT, ExpertShape, RowLayout, Scheme, group_size_for
from backends.moe.store.planes import restored, rounded
from backends.moe.store.rows import bias, matrix, pack, parts

SHAPE = ExpertShape(64, 48, has_bias=True)


def packed(scheme: Scheme) -> tuple[RowLayout, torch.Tensor, dict[str, torch.Tensor]]:
    """A row with random parts, and the parts."""
    layout = RowLayout(SHAPE, scheme, torch.bfloat16, group_size=16)
    row = torch.zeros(layout.byte_count, dtype=torch.uint8)
    generator = torch.Generator().manual_seed(0)
    values = {
        "up": torch.randn(96, 64, generator=generator).bfloat16(),
        "down": torch.randn(64, 48, generator=generator).bfloat16(),
        "up.bias": torch.randn(96, generator=generator).bfloat16(),
        "down.bias": torch.randn(64, generator=generator).bfloat16(),
    }
    for part in parts(layout):
        pack(layout, row, part, values[part])
    return layout, row, values


def test_exact_rows_hold_the_numbers_themselves() -> None:
    """Matrices and biases come back bit by bit, without a copy."""
    layout, row, values = packed("exact")
    assert torch.equal(matrix(layout, row, "up"), values["up"])
    assert torch.equal(matrix(layout, row, "down"), values["down"])
    assert matrix(layout, row, "up").data_ptr() == row.data_ptr()


@pytest.mark.parametrize("scheme", ["exact", "int4"])
def test_biases_are_never_rounded(scheme: Scheme) -> None:
    """Both schemes keep them as they are."""
    layout, row, values = packed(scheme)
    for part in ("up", "down"):
        found = bias(layout, row, part)
        assert found is not None
        assert torch.equal(found, values[f"{part}.bias"])


def test_four_bits_are_what_planes_round_to() -> None:
    """A row adds nothing to the rounding."""
    layout, row, values = packed("int4")
    expected = restored(rounded(values["up"], 16), torch.bfloat16)
    assert torch.equal(matrix(layout, row, "up"), expected)


def test_a_little_expert_lies_in_the_prefix() -> None:
    """The top plane and biases are read without a byte behind the prefix, and are coarser."""
    layout, row, values = packed("int4")
    whole = matrix(layout, row, "up")
    row[layout.little_byte_count :] = 0xAB
    little = matrix(layout, row, "up", little=True)
    assert torch.equal(bias(layout, row, "down"), values["down.bias"])  # type: ignore[arg-type]
    assert (values["up"] - whole).norm() < (values["up"] - little).norm() < 0.5 * values["up"].norm()
    assert layout.little_byte_count < 0.65 * layout.byte_count


@pytest.mark.parametrize("scheme", ["exact", "int4"])
def test_rows_are_whole_pages_and_segments_do_not_overlap(scheme: Scheme) -> None:
    """Direct reads and wide loads find every segment aligned."""
    layout = RowLayout(SHAPE, scheme, torch.float32, group_size=16)
    end = 0
    for segment in layout.segments.values():
        assert segment.offset >= end
        assert segment.offset % 16 == 0
        end = segment.offset + segment.byte_count
    assert end <= layout.byte_count
    assert layout.byte_count % ROW_ALIGNMENT == 0


def test_constant_weights_survive_rounding() -> None:
    """A group without any spread comes back as it was, as near as float16 is."""
    layout = RowLayout(ExpertShape(16, 16), "int4", torch.float32, group_size=16)
    row = torch.zeros(layout.byte_count, dtype=torch.uint8)
    pack(layout, row, "up", torch.full((32, 16), 0.25))
    assert torch.allclose(matrix(layout, row, "up"), torch.tensor(0.25))


def test_groups_divide_both_matrices() -> None:
    """The largest that fits; none where not even 16 does."""
    assert group_size_for(ExpertShape(2048, 768)) == 128
    assert group_size_for(ExpertShape(2048, 768), at_most=32) == 32
    assert group_size_for(ExpertShape(64, 40)) is None


def test_four_bits_lose_no_more_than_bitsandbytes_does() -> None:
    """NF4 in blocks of 64, where that library is installed, is the independent witness."""
    witness = pytest.importorskip("bitsandbytes.functional")
    weights = torch.randn(256, 512, generator=torch.Generator().manual_seed(2))
    theirs = witness.dequantize_4bit(*witness.quantize_4bit(weights, blocksize=64, quant_type="nf4"))
    ours = restored(rounded(weights, 64), torch.float32)
    assert (ours - weights).norm() < 1.1 * (theirs - weights).norm()
