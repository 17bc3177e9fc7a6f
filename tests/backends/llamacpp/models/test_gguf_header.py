"""Headers of GGUF files: read as the gguf package reads them, and nothing of a hostile one is believed."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import gguf
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backends.errors import BackendError, Refused
from backends.llamacpp.model_file import find_model
from backends.llamacpp.models.header import Array, read_header
from backends.llamacpp.models.shape import shape_of


def text(value: str) -> bytes:
    """A string as GGUF writes it."""
    return struct.pack("<Q", len(value)) + value.encode()


def head(*, version: int = 3, tensors: int = 0, keys: int = 0) -> bytes:
    """The beginning of a file."""
    return b"GGUF" + struct.pack("<IQQ", version, tensors, keys)


def one_tensor(*, dimensions: bytes, kind: int = 0, offset: int = 0, data: bytes = b"") -> bytes:
    """A file with one tensor ``x``; ``dimensions`` holds their number and sizes."""
    body = head(tensors=1) + text("x") + dimensions + struct.pack("<IQ", kind, offset)
    return body + bytes(-len(body) % 32) + data


def test_reads_what_the_gguf_package_reads(tiny_gguf: Path) -> None:
    """Tensors and plain metadata are equal to those of GGUFReader."""
    header, reader = read_header(tiny_gguf), gguf.GGUFReader(tiny_gguf)
    assert [(t.name, t.type, t.shape, t.byte_count) for t in header.tensors] == [
        (t.name, t.tensor_type.name.lower(), tuple(map(int, t.shape)), t.n_bytes) for t in reader.tensors
    ]
    for key, value in header.metadata.items():
        assert isinstance(value, Array) or value == reader.fields[key].contents()
    assert header.length("tokenizer.ggml.tokens") == len(reader.fields["tokenizer.ggml.tokens"].data)


HOSTILE = {
    "empty": b"",
    "another format": b"PK\x03\x04" + bytes(64),
    "a future version": head(version=4),
    "a big-endian version": head(version=3 << 24),
    "2^60 keys": head(keys=1 << 60),
    "2^60 tensors": head(tensors=1 << 60),
    "a string longer than the file": head(keys=1) + struct.pack("<Q", 1 << 50) + b"x",
    "an endless array": head(keys=1) + text("k") + struct.pack("<IIQ", 9, 4, 1 << 62),
    "an endless list of strings": head(keys=1) + text("k") + struct.pack("<IIQ", 9, 8, 1 << 24),
    "arrays in arrays": head(keys=1) + text("k") + struct.pack("<IIQ", 9, 9, 1),
    "an unknown kind": head(keys=1) + text("k") + struct.pack("<IQ", 77, 0),
    "a key twice": head(keys=2) + 2 * (text("k") + struct.pack("<IB", 0, 1)),
    "no alignment": head(keys=1) + text("general.alignment") + struct.pack("<II", 4, 0),
    "five dimensions": one_tensor(dimensions=struct.pack("<I5Q", 5, 1, 1, 1, 1, 1)),
    "2^64 weights": one_tensor(dimensions=struct.pack("<I2Q", 2, 1 << 63, 1 << 63)),
    "an unknown number format": one_tensor(dimensions=struct.pack("<IQ", 1, 32), kind=4_000),
    "half a block": one_tensor(dimensions=struct.pack("<IQ", 1, 33), kind=2, data=bytes(64)),
    "weights that are not there": one_tensor(dimensions=struct.pack("<IQ", 1, 1 << 40)),
    "weights elsewhere": one_tensor(dimensions=struct.pack("<IQ", 1, 8), offset=1 << 62, data=bytes(64)),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_refuses_a_hostile_header(tmp_path: Path, name: str) -> None:
    """What a header claims is checked against the file before anything is allocated for it."""
    path = tmp_path / "hostile.gguf"
    path.write_bytes(HOSTILE[name])
    started_s = time.monotonic()
    with pytest.raises(Refused, match="not a GGUF file, or a broken one"):
        read_header(path)
    assert time.monotonic() - started_s < 60


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(position=st.integers(0, 3_000), replacement=st.binary(min_size=1, max_size=12))
def test_any_damage_is_refused_or_harmless(
    tiny_gguf: Path, tmp_path: Path, position: int, replacement: bytes
) -> None:
    """No bytes in the header make anything but a BackendError."""
    data = bytearray(tiny_gguf.read_bytes())
    data[position : position + len(replacement)] = replacement
    path = tmp_path / "damaged.gguf"
    path.write_bytes(data)
    with suppress(BackendError):
        shape_of(read_header(path))


def rewritten(source: Path, target: Path, change: Callable[[bytes], bytes]) -> Path:
    """A copy with other bytes."""
    target.write_bytes(change(source.read_bytes()))
    return target


@pytest.mark.parametrize("key", ["block_count", "embedding_length", "attention.head_count", "context_length"])
def test_refuses_numbers_that_llama_cpp_asserts(tiny_gguf: Path, tmp_path: Path, key: str) -> None:
    """A count of zero or of four billion never reaches llama.cpp, which would end the process."""
    marked = text(f"qwen3.{key}")
    for wrong in (0, 0xFFFFFFFF):

        def change(data: bytes, wrong: int = wrong) -> bytes:
            at = data.index(marked) + len(marked) + 4
            return data[:at] + struct.pack("<I", wrong) + data[at + 4 :]

        path = rewritten(tiny_gguf, tmp_path / "wrong.gguf", change)
        with pytest.raises(Refused, match=key.rpartition(".")[2]):
            shape_of(read_header(path))


def test_a_truncated_file_is_refused_before_llama_cpp_sees_it(tiny_gguf: Path, tmp_path: Path) -> None:
    """The last byte of the last tensor must be there."""
    path = rewritten(tiny_gguf, tmp_path / "cut.gguf", lambda data: data[: len(data) * 2 // 3])
    with pytest.raises(BackendError, match="its weights need"):
        find_model(str(path))


def test_a_wrong_hash_is_refused(tiny_gguf: Path) -> None:
    """The hash of a configuration is that of the file, or it is not used."""
    with pytest.raises(BackendError, match="SHA-256"):
        find_model(str(tiny_gguf), sha256="0" * 64)
