"""Files that only tests of the engine need: a LoRA adapter, and a model that gives no numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
import torch
from transformers import Qwen3Config, Qwen3ForCausalLM

from backends.llamacpp.engine.engine import Engine
from tests import tiny_models
from tests.backends.llamacpp.engine.driving import open_engine

_WIDTH, _RANK, _LAYERS = 32, 2, 2


@pytest.fixture
def opened(tiny_gguf: Path) -> Iterator[Callable[..., Engine]]:
    """Opens engines on the tiny model with any options, and closes them."""
    engines: list[Engine] = []

    def open_one(path: Path = tiny_gguf, **options: Any) -> Engine:
        engines.append(open_engine(path, **options))
        return engines[-1]

    yield open_one
    for engine in engines:
        engine.close()


@pytest.fixture(scope="session")
def adapters(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two random LoRA adapters for the tiny model."""
    folder = tmp_path_factory.mktemp("adapters")
    return _write_adapter(folder / "one.gguf", seed=1), _write_adapter(folder / "two.gguf", seed=2)


@pytest.fixture(scope="session")
def broken_gguf(tiny_gguf: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model with a weight that is not a number."""
    model = Qwen3ForCausalLM.from_pretrained(tiny_gguf.parent, dtype=torch.float32)
    with torch.no_grad():
        model.model.norm.weight[0] = torch.nan
    path = tmp_path_factory.mktemp("broken") / "model.gguf"
    return tiny_models._write_gguf(path, model, tiny_models.tokenizer())


@pytest.fixture(scope="session")
def shallow_gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random model of one layer."""
    torch.manual_seed(3)
    words = tiny_models.tokenizer()
    config = Qwen3Config(vocab_size=len(words), **(tiny_models._SHAPE | {"num_hidden_layers": 1}))
    path = tmp_path_factory.mktemp("shallow") / "model.gguf"
    return tiny_models._write_gguf(path, Qwen3ForCausalLM(config).float(), words)


def _write_adapter(path: Path, seed: int) -> Path:
    chance = np.random.default_rng(seed)
    writer = gguf.GGUFWriter(path, "qwen3")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", float(_RANK))
    for layer in range(_LAYERS):
        name = f"blk.{layer}.attn_q.weight"
        writer.add_tensor(f"{name}.lora_a", chance.normal(size=(_RANK, _WIDTH)).astype(np.float32))
        writer.add_tensor(f"{name}.lora_b", chance.normal(size=(_WIDTH, _RANK)).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
