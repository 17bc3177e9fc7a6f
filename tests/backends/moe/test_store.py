"""The file of rows: whole or not there, and what is damaged is found."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
from pathlib import Path

import numpy as np
import pytest
import torch

from backends.moe.errors import DamagedStore, TooLittleMemory
from backends.moe.store.files import DiskTier, MappedTier
from backends.moe.store.header import Header, read_header
from backends.moe.store.layout import ROW_ALIGNMENT, ExpertShape, RowLayout
from backends.moe.store.opening import converting, is_there, open_tier, path_of, writer_for
from backends.moe.store.tiers import Bytes, MemoryTier, StoreShape, Tier
from backends.moe.store.writer import StoreWriter

SHAPE = StoreShape(RowLayout(ExpertShape(32, 16), "exact", torch.float32), layer_count=3, expert_count=4)
HEADER = Header("sha256:0123", SHAPE)
WHOLE = slice(0, SHAPE.layout.byte_count)


def random_rows() -> torch.Tensor:
    """Rows of random bytes."""
    generator = torch.Generator().manual_seed(1)
    return torch.randint(0, 256, SHAPE.dimensions, dtype=torch.uint8, generator=generator)


def write(path: Path) -> torch.Tensor:
    """Write a store of random rows; return them."""
    rows = random_rows()
    writer = StoreWriter(path, HEADER)
    writer.rows.copy_(rows)
    writer.finish()
    return rows


def read(tier: Tier, layer: int, expert: int, span: slice = WHOLE) -> Bytes:
    """A row, zero where nothing was read."""
    target = np.zeros(SHAPE.layout.byte_count, np.uint8)
    tier.read(layer, expert, span, target)
    return target


@pytest.mark.parametrize("make", [MappedTier, DiskTier])
def test_rows_come_back(tmp_path: Path, make: type[MappedTier | DiskTier]) -> None:
    """Mapped or read directly, each row is what was written."""
    rows = write(tmp_path / "a.experts")
    tier = make(tmp_path / "a.experts")
    assert tier.shape == SHAPE
    for layer in range(3):
        for expert in range(4):
            assert np.array_equal(read(tier, layer, expert), rows[layer, expert].numpy())
    tier.close()


@pytest.mark.parametrize("make", [MappedTier, DiskTier])
def test_part_of_a_row_is_read_where_it_lies(tmp_path: Path, make: type[MappedTier | DiskTier]) -> None:
    """Bytes of a span land at their own place."""
    rows = write(tmp_path / "a.experts")
    tier = make(tmp_path / "a.experts")
    span = slice(100, 3000)
    assert np.array_equal(read(tier, 2, 1, span)[span], rows[2, 1].numpy()[span])
    tier.close()


def test_rows_in_memory_come_back() -> None:
    """A store may live in memory alone."""
    rows = random_rows()
    tier = MemoryTier(SHAPE, rows)
    assert np.array_equal(read(tier, 1, 2), rows[1, 2].numpy())
    assert torch.equal(tier.rows(2), rows[2])


@pytest.mark.parametrize("make", [MappedTier, DiskTier])
def test_a_damaged_row_is_found_when_it_is_read(tmp_path: Path, make: type[MappedTier | DiskTier]) -> None:
    """One flipped bit is an error that names the expert, and the file goes."""
    path = tmp_path / "a.experts"
    write(path)
    flip(path, HEADER.rows_offset + (1 * 4 + 3) * SHAPE.layout.byte_count + 77)
    tier = make(path)
    read(tier, 0, 0)
    with pytest.raises(DamagedStore, match="expert 3 of layer 1"):
        read(tier, 1, 3)
    assert not path.exists()
    tier.close()


@pytest.mark.parametrize("make", [MappedTier, DiskTier])
@pytest.mark.parametrize("place", [5, 3500])
def test_a_damaged_row_is_found_that_comes_in_two_parts(
    tmp_path: Path, make: type[MappedTier | DiskTier], place: int
) -> None:
    """With the second, wherever the bit is, and into whatever memory the parts go; whole ones pass."""
    path = tmp_path / "a.experts"
    write(path)
    flip(path, HEADER.rows_offset + (1 * 4 + 3) * SHAPE.layout.byte_count + place)
    tier = make(path)
    parts = slice(0, 3000), slice(3000, SHAPE.layout.byte_count)
    for part in parts:
        read(tier, 0, 0, part)
    read(tier, 1, 3, parts[0])
    with pytest.raises(DamagedStore, match="expert 3 of layer 1"):
        read(tier, 1, 3, parts[1])
    assert not path.exists()
    tier.close()


def flip(path: Path, offset: int) -> None:
    """Turn one bit."""
    with path.open("r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 1]))


@pytest.mark.parametrize("damage", ["header", "cut", "grown", "empty", "zeros", "other"])
def test_a_file_that_is_no_store_is_removed_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    """Whatever happened to it, it is converted again rather than believed."""
    path = tmp_path / "a.experts"
    write(path)
    content = path.read_bytes()
    path.write_bytes(
        {
            "header": content[:70] + b"\xff" + content[71:],
            "cut": content[:-ROW_ALIGNMENT],
            "grown": content + b"\0",
            "empty": b"",
            "zeros": b"\0" * len(content),
            "other": b"GGUF" + content[4:],
        }[damage]
    )
    with caplog.at_level(logging.WARNING):
        assert not is_there(path, HEADER)
    assert "converted again" in caplog.text
    assert not path.exists()


def test_a_finished_store_is_there(tmp_path: Path) -> None:
    """A store is known by its header, and names differ with what is inside."""
    path = path_of(tmp_path, "org/Model 1", HEADER)
    assert path.name.startswith("org-Model-1-exact-")
    write(path)
    assert is_there(path, HEADER)
    assert not is_there(path, Header("sha256:4567", SHAPE))
    assert path_of(tmp_path, "org/Model 1", Header("sha256:4567", SHAPE)) != path


def test_a_store_of_another_version_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names both versions."""
    with monkeypatch.context() as context:
        context.setattr("backends.moe.store.header.VERSION", 99)
        write(tmp_path / "a.experts")
    with pytest.raises(DamagedStore, match="version 99"):
        read_header(tmp_path / "a.experts")


def test_nothing_is_there_until_a_store_is_finished(tmp_path: Path) -> None:
    """An abandoned one leaves nothing behind."""
    writer = StoreWriter(tmp_path / "a.experts", HEADER)
    writer.rows.fill_(7)
    assert not (tmp_path / "a.experts").exists()
    writer.abandon()
    assert list(tmp_path.iterdir()) == []


def kill_a_converter(path: Path) -> None:
    """Start a converter that is killed at its work."""
    process = multiprocessing.get_context("spawn").Process(target=_killed, args=(path,))
    process.start()
    process.join(60)
    assert process.exitcode == -9


def _killed(path: Path) -> None:
    with converting(path):
        writer_for(path, HEADER).rows[0].fill_(1)
        os.kill(os.getpid(), signal.SIGKILL)


def test_a_killed_converter_leaves_no_store_and_no_lock(tmp_path: Path) -> None:
    """The next one finds the lock free, clears what was left, and converts."""
    path = tmp_path / "a.experts"
    kill_a_converter(path)
    assert [file.suffix for file in tmp_path.iterdir() if "part" in file.name] == [".part"]
    assert not is_there(path, HEADER)
    with converting(path):
        writer = writer_for(path, HEADER)
        writer.rows.copy_(random_rows())
        writer.finish()
    assert is_there(path, HEADER)
    assert not list(tmp_path.glob("*.part")) + list(tmp_path.glob(".*.part"))


def _convert(path: Path, value: int) -> None:
    with converting(path):
        if not is_there(path, HEADER):
            writer = writer_for(path, HEADER)
            writer.rows.fill_(value)
            writer.finish()


def test_converters_at_once_leave_one_good_store(tmp_path: Path) -> None:
    """Each waits for the other, and the second finds the first one's work."""
    path = tmp_path / "a.experts"
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_convert, args=(path, value)) for value in (1, 2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    rows = MappedTier(path)
    values = {int(value) for layer in range(3) for value in np.unique(rows.rows(layer).numpy())}
    assert values in ({1}, {2})


def test_a_full_disk_is_known_before_the_first_row(tmp_path: Path) -> None:
    """The error says how much is needed and which settings help."""
    vast = StoreShape(SHAPE.layout, layer_count=1 << 20, expert_count=1 << 20)
    with pytest.raises(TooLittleMemory, match=r"GiB.*cache_dir"):
        writer_for(tmp_path / "a.experts", Header("x", vast))
    assert list(tmp_path.iterdir()) == []


def test_pinned_memory_without_a_gpu_is_pageable_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing would read it by itself."""
    write(tmp_path / "a.experts")
    with caplog.at_level(logging.WARNING):
        tier = open_tier(tmp_path / "a.experts", "pinned", gpu=False)
    assert tier.name == "pageable"
    assert "not pinned" in caplog.text
