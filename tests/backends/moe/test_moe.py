"""transformers behind the seam: what is wrong with a checkpoint, and how experts may be computed."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from backends.errors import Unavailable
from backends.moe.backend import MoeBackend
from backends.moe.options import MoeOptions
from backends.types import Delta, Message, Prompt, Role, Sampling

PROMPT = Prompt((Message(Role.USER, "the quick brown fox"),), Sampling(max_output_token_count=12))


async def write(options: MoeOptions) -> str:
    """The answer to PROMPT."""
    backend = MoeBackend(options)
    await backend.start()
    text = "".join([item.text async for item in backend.stream(PROMPT) if isinstance(item, Delta)])
    await backend.close()
    return text


async def test_every_way_to_compute_experts_agrees(tiny_moe: Path) -> None:
    """The implementation changes the speed only."""
    texts = {
        await write(MoeOptions(model=str(tiny_moe), experts_implementation=name))
        for name in ("eager", "batched_mm", "grouped_mm")
    }
    assert len(texts) == 1


async def test_a_long_prompt_is_read_in_chunks(tiny_moe: Path) -> None:
    """A prompt of several chunks is answered."""
    backend = MoeBackend(MoeOptions(model=str(tiny_moe)))
    await backend.start()
    prompt = Prompt((Message(Role.USER, "the lazy dog " * 100),), Sampling(max_output_token_count=2))
    items = [item async for item in backend.stream(prompt)]
    await backend.close()
    assert backend.capabilities.context_token_count == 2048
    assert len(items) == 3


async def test_the_most_probable_tokens_are_listed_where_asked(tiny_moe: Path) -> None:
    """Best first, the token drawn at the head of a greedy answer, under the text that it adds."""
    backend = MoeBackend(MoeOptions(model=str(tiny_moe)))
    await backend.start()
    prompt = Prompt(PROMPT.messages, Sampling(max_output_token_count=1, top_logprob_count=3))
    (token,) = [t async for d in backend.stream(prompt) if isinstance(d, Delta) for t in d.tokens]
    await backend.close()
    values = [value for _, value in token.top]
    assert len(values) == 3
    assert values == sorted(values, reverse=True)
    assert values[0] == pytest.approx(token.logprob)


@pytest.mark.parametrize("what", ["nothing", "no_weights", "no_config"])
def test_an_incomplete_checkpoint_is_unavailable(tiny_moe: Path, tmp_path: Path, what: str) -> None:
    """Whatever is missing, start says that the model cannot be loaded, and close still works."""
    missing = {"nothing": (), "no_weights": (".safetensors",), "no_config": ("config.json",)}[what]
    for file in tiny_moe.iterdir() if missing else ():
        if not file.name.endswith(missing):
            (tmp_path / file.name).write_bytes(file.read_bytes())
    backend = MoeBackend(MoeOptions(model=str(tmp_path)))
    with pytest.raises(Unavailable, match="cannot load"):
        asyncio.run(backend.start())
    asyncio.run(backend.close())
