"""The pocket family's mixture of experts, served with a quarter of its experts at hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from backends.moe.backend import MoeBackend
from backends.moe.offload_options import OffloadOptions
from backends.moe.options import MoeOptions
from backends.types import Delta, Message, Prompt, Role, Sampling
from examples.pocket.tasks import draw
from examples.pocket.weights import LOCAL

QUESTION_COUNT = 6


async def answers(offload: OffloadOptions | None) -> list[str]:
    """What the pocket model answers to a few of its tasks."""
    backend = MoeBackend(MoeOptions(model=str(LOCAL), offload=offload))
    await backend.start()
    texts = []
    for question in questions():
        prompt = Prompt((Message(Role.USER, question),), Sampling(max_output_token_count=112))
        stream = backend.stream(prompt)
        texts.append("".join([item.text async for item in stream if isinstance(item, Delta)]))
    await backend.close()
    return texts


def questions() -> list[str]:
    """Tasks of the pocket family, always the same."""
    return [sample.prompt for sample in draw(QUESTION_COUNT, split="test", seed=11)]


@pytest.mark.engines
async def test_a_quarter_of_the_experts_gives_the_resident_models_answers(tmp_path: Path) -> None:
    """Word for word, through the backend, from host memory and from disk."""
    resident = await answers(None)
    assert all(resident)
    for store in ("pageable", "ssd"):
        offload = OffloadOptions(residency="25%", store=store, cache_dir=tmp_path)
        assert await answers(offload) == resident
