"""Model files that are broken or hostile: a clear error, and the service and its other models live."""

from __future__ import annotations

import random
import struct
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from pathlib import Path

import pytest

from backends.errors import Unavailable
from backends.llamacpp.backend import LlamaCppBackend, _open_vocabulary
from backends.llamacpp.worker.suspicion import identity_of
from tests.backends.llamacpp.asking import ask, started, supervisor_of, write

SHARED = {"worker": "hostile", "sequence_count": 2, "prefix_cache_mib": 0}


@pytest.fixture(scope="session")
def whole(tiny_gguf: Path) -> bytes:
    """A sound file."""
    return tiny_gguf.read_bytes()


@pytest.fixture
async def good(tiny_gguf: Path) -> AsyncIterator[LlamaCppBackend]:
    """A good model in the worker that the bad ones are shown to; it must answer afterwards as before."""
    async with started(tiny_gguf, **SHARED) as backend:
        before = await write(backend, ask("the quick"))
        yield backend
        assert (await write(backend, ask("the quick")))[0] == before[0]


async def load(path: Path) -> None:
    async with started(path, **SHARED):
        pass


async def survivors(files: Iterable[bytes], folder: Path) -> int:
    """Load each of ``files``; return how many are loaded, the others being Unavailable."""
    count = 0
    for data in files:
        with suppress(Unavailable):
            await load(written(folder, data))
            count += 1
    return count


def written(folder: Path, data: bytes) -> Path:
    path = folder / "bad.gguf"
    path.write_bytes(data)
    return path


async def test_a_download_that_broke_off(good: LlamaCppBackend, whole: bytes, tmp_path: Path) -> None:
    """Cut anywhere, it is refused before it could do any harm."""
    cuts = [0, 1, 4, 8, 24, *range(100, len(whole), len(whole) // 30), len(whole) - 1]
    assert await survivors((whole[:cut] for cut in cuts), tmp_path) == 0
    assert supervisor_of(good).death_count == 0


async def test_what_is_no_model(good: LlamaCppBackend, tmp_path: Path) -> None:
    """A folder, a missing file, another format, and noise."""
    others = (b"PK\x03\x04" + bytes(100), b"GGUF" + bytes(100), random.Random(0).randbytes(5000))
    assert await survivors(others, tmp_path) == 0
    for path in (tmp_path, tmp_path / "missing.gguf"):
        with pytest.raises(Unavailable, match="no model file"):
            await load(path)


async def test_counts_without_end(good: LlamaCppBackend, whole: bytes, tmp_path: Path) -> None:
    """Numbers of tensors, of keys and of bytes that no file has cost neither memory nor time."""
    files = [
        whole[:place] + struct.pack("<Q", number) + whole[place + 8 :]
        for place in (8, 16, 24)
        for number in (2**32, 2**63 - 1, 2**64 - 1)
    ]
    assert await survivors(files, tmp_path) == 0


@pytest.mark.parametrize("seed", range(3))
async def test_flipped_bytes(good: LlamaCppBackend, whole: bytes, tmp_path: Path, seed: int) -> None:
    """Whatever a damaged header does to llama.cpp, it does to the worker."""
    chance = random.Random(seed)
    end = whole.index(b"output_norm.weight") + 400  # the header, and not much of the weights

    def damaged() -> bytes:
        data = bytearray(whole)
        for _ in range(chance.choice([1, 1, 2, 5])):
            data[chance.randrange(4, end)] = chance.choice([0, 255, chance.randrange(256)])
        return bytes(data)

    await survivors((damaged() for _ in range(25)), tmp_path)


async def test_a_file_that_kills_is_not_tried_again_and_again(
    good: LlamaCppBackend, whole: bytes, tmp_path: Path
) -> None:
    """Two tokens of one text are an assertion of llama.cpp's: two deaths, and then a memory of it."""
    one, other = (struct.pack("<Q", 1) + letter for letter in (b"a", b"b"))
    path = written(tmp_path, whole.replace(one, other, 1))
    backend = LlamaCppBackend(good.options.model_copy(update={"model": str(path)}))
    with pytest.raises(Unavailable, match=r"died twice on loading .*bad.gguf .*SIGABRT.* GGML_ASSERT"):
        await backend.start()
    for _ in range(5):
        with pytest.raises(Unavailable, match="not tried again"):
            await backend.start()
    assert supervisor_of(good).death_count == 2
    written(tmp_path, whole)
    await backend.start()
    await backend.close()


async def test_a_refused_file_says_why(good: LlamaCppBackend, whole: bytes, tmp_path: Path) -> None:
    """What llama.cpp complained of is in the error."""
    path = written(tmp_path, whole.replace(b"blk.0.attn_q.weight", b"blk.0.attn_x.weight"))
    with pytest.raises(Unavailable, match=r"cannot load .*bad.gguf.*tensor 'blk.0.attn_q.weight' not found"):
        await load(path)


async def test_a_template_that_is_none(good: LlamaCppBackend, whole: bytes, tmp_path: Path) -> None:
    """A chat template that cannot be parsed is the file's fault."""
    path = written(tmp_path, whole.replace(b"{% for m in messages %}", b"{% for m in messages  }"))
    with pytest.raises(Unavailable, match="chat template"):
        await load(path)


def test_a_file_that_was_exchanged_is_not_opened_here(whole: bytes, tmp_path: Path) -> None:
    """Only what the worker survived is opened in the service."""
    path = written(tmp_path, whole)
    identity = identity_of(path)
    written(tmp_path, b"GGUF")
    with pytest.raises(Unavailable, match="was changed while it was loaded"):
        _open_vocabulary(path, identity)
