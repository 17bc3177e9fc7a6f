"""llama.cpp behind the seam: files that are wrong, grammars, prefixes, and parity with transformers."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from backends.errors import Refused, Unavailable
from backends.in_process import InProcessBackend
from backends.llamacpp import grammar
from backends.llamacpp.backend import LlamaCppBackend
from backends.llamacpp.model_file import find_model, model_name
from backends.llamacpp.options import LlamaCppOptions
from backends.llamacpp.selftest import may_use_extra_buffers
from backends.moe.backend import MoeBackend
from backends.moe.options import MoeOptions
from backends.types import Delta, JsonSchemaFormat, Message, Prompt, Role, Sampling, TokenLogprob


@pytest.fixture
async def backend(tiny_gguf: Path) -> AsyncIterator[LlamaCppBackend]:
    """The tiny model, started, with chunks small enough to need several."""
    started = LlamaCppBackend(LlamaCppOptions(model=str(tiny_gguf), batch_token_count=16))
    await started.start()
    yield started
    await started.close()


async def write(backend: InProcessBackend, content: str, **more: Any) -> tuple[str, list[TokenLogprob]]:
    """Text and tokens of an answer of at most 40 tokens."""
    sampling = Sampling(max_output_token_count=40, **more.pop("sampling", {}))
    prompt = Prompt((Message(Role.USER, content),), sampling, **more)
    deltas = [item async for item in backend.stream(prompt) if isinstance(item, Delta)]
    return "".join(delta.text for delta in deltas), [token for delta in deltas for token in delta.tokens]


async def test_agrees_with_transformers_on_equal_weights(backend: LlamaCppBackend, tiny_gguf: Path) -> None:
    """Two engines on the same float32 weights write the same tokens with the same log-probabilities."""
    other = MoeBackend(MoeOptions(model=str(tiny_gguf.parent), dtype="float32"))
    await other.start()
    text, tokens = await write(backend, "the quick brown fox")
    other_text, other_tokens = await write(other, "the quick brown fox")
    await other.close()
    assert text == other_text
    for token, its_twin in zip(tokens, other_tokens, strict=True):
        assert token.logprob == pytest.approx(its_twin.logprob, abs=0.02)
        assert token.entropy == pytest.approx(its_twin.entropy, abs=0.02)


async def test_a_kept_prefix_changes_nothing(backend: LlamaCppBackend) -> None:
    """A prompt that shares its beginning with the last one gives bit-equal statistics to a fresh start."""
    shared = "the quick brown fox jumps over the lazy dog " * 4
    fresh = await write(backend, shared + "one")
    await write(backend, "something else")
    await write(backend, shared + "two")
    assert await write(backend, shared + "one") == fresh


@pytest.mark.parametrize("temperature", [0.0, 1.5])
async def test_enforces_a_json_schema(backend: LlamaCppBackend, temperature: float) -> None:
    """Even a random model writes JSON of the schema, and its statistics stay those of the raw model."""
    schema = {
        "type": "object",
        "properties": {"size": {"enum": ["s", "m"]}, "sure": {"type": "boolean"}},
        "required": ["size", "sure"],
        "additionalProperties": False,
    }
    sampling = {"temperature": temperature, "seed": 1}
    text, tokens = await write(backend, "x", response_format=JsonSchemaFormat(schema), sampling=sampling)
    assert json.loads(text).keys() == {"size", "sure"}
    assert min(token.logprob for token in tokens) < -3


async def test_refuses_a_schema_that_it_cannot_express(backend: LlamaCppBackend) -> None:
    """An impossible schema is the request's fault, and the next request is served."""
    with pytest.raises(Refused, match="JSON Schema"):
        await write(backend, "x", response_format=JsonSchemaFormat({"type": "frob"}))
    assert (await write(backend, "x"))[1]


async def test_a_long_length_is_left_to_whoever_checks_the_answer(backend: LlamaCppBackend) -> None:
    """A length that would overflow llama.cpp's stack does not reach it; the rest of the schema holds."""
    schema = {"type": "string", "minLength": 10**9, "maxLength": 2 * 10**9}
    text, _ = await write(backend, "x", response_format=JsonSchemaFormat(schema))
    assert text.startswith('"')


async def test_a_grammar_that_takes_too_long_is_refused(
    backend: LlamaCppBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ways that double with every token end the answer while the process still lives."""
    monkeypatch.setattr(grammar, "_MAX_DRAW_S", -1.0)
    with pytest.raises(Refused, match="too many ways"):
        await write(backend, "x", response_format=JsonSchemaFormat({"type": "string"}))


async def test_a_constant_is_written_as_json(backend: LlamaCppBackend) -> None:
    """Quotes, backslashes, line ends and letters beyond ASCII come back as they were asked for."""
    odd = 'a"b\\c\né'
    text, _ = await write(backend, "x", response_format=JsonSchemaFormat({"enum": [odd]}))
    assert json.loads(text) == odd


async def test_a_missing_file_is_unavailable(tmp_path: Path) -> None:
    """The error names the path."""
    backend = LlamaCppBackend(LlamaCppOptions(model=str(tmp_path / "no.gguf")))
    with pytest.raises(Unavailable, match=r"no\.gguf"):
        await backend.start()
    await backend.close()


@pytest.mark.parametrize(("length", "message"), [(0, "not a GGUF file"), (5000, "cannot load")])
def test_a_broken_file_is_unavailable(tiny_gguf: Path, tmp_path: Path, length: int, message: str) -> None:
    """An empty file and a truncated download are told from a good one."""
    path = tmp_path / "broken.gguf"
    path.write_bytes(tiny_gguf.read_bytes()[:length])
    backend = LlamaCppBackend(LlamaCppOptions(model=str(path)))
    with pytest.raises(Unavailable, match=message):
        asyncio.run(backend.start())
    asyncio.run(backend.close())


def test_says_so_when_the_hub_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    """Offline, a model that is not cached is Unavailable with what to do."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(Unavailable, match="put the file on this machine"):
        find_model("hf://nobody/nothing/none.gguf")


def test_a_wrong_hub_name_is_explained() -> None:
    """A name that cannot be on the hub is not looked for."""
    with pytest.raises(Unavailable, match="not of the form"):
        find_model("hf://owner/model")


def test_names_the_model_by_its_file() -> None:
    """Neither folder nor revision is part of the model's name."""
    assert model_name("hf://owner/repo/Small-Q4_0.gguf@main") == "Small-Q4_0"
    assert model_name("/models/Small-Q4_0.gguf") == "Small-Q4_0"


def test_only_processors_with_amx_are_tested(tmp_path: Path) -> None:
    """Elsewhere no child is started."""
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("flags : avx2\n")
    assert may_use_extra_buffers(Path("m"), cpuinfo=cpuinfo, command=("/does/not/exist",))


def test_a_child_that_dies_by_a_signal_means_no_extra_buffers(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The crash is survived, and the log says what it costs."""
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("flags : avx2 amx_int8\n")
    died = (sys.executable, "-c", "import os; os.abort()")
    with caplog.at_level(logging.WARNING):
        assert not may_use_extra_buffers(Path("m"), cpuinfo=cpuinfo, command=died)
    assert "signal 6" in caplog.text


def test_a_child_that_lives_means_extra_buffers(tmp_path: Path, tiny_gguf: Path) -> None:
    """The self-test loads the model and computes, in a process of its own."""
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("flags : amx_int8\n")
    assert may_use_extra_buffers(tiny_gguf, cpuinfo=cpuinfo)
