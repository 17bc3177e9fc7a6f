"""Experts offloaded from a GPU: copies on a stream of their own, from pinned, pageable and disk rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from backends.moe.checkpoint import Checkpoint
from backends.moe.experts.function import experts_of
from backends.moe.offload_options import OffloadOptions
from backends.moe.offloading import load_offloaded
from tests.backends.moe.conftest import Saved
from tests.backends.moe.mixtures import FAMILIES, eager

pytestmark = pytest.mark.gpu

PROMPT = torch.tensor([[5, 17, 101, 33, 9, 77, 140, 6, 28, 54, 12, 150, 3]])


def answer(model: Any) -> list[int]:
    """Twelve tokens after PROMPT."""
    written = model.generate(PROMPT.to("cuda"), max_new_tokens=12, do_sample=False)
    tokens: list[int] = written[0].tolist()
    return tokens


def load(folder: Path, cache_dir: Path, **options: Any) -> Any:
    """The model of ``folder`` on the GPU with its experts offloaded."""
    chosen = OffloadOptions(cache_dir=cache_dir, **options)
    return load_offloaded(Checkpoint(str(folder)), chosen, "cuda").eval()


@pytest.mark.parametrize("store", ["pinned", "pageable", "ssd"])
@pytest.mark.parametrize("family", FAMILIES)
def test_every_tier_computes_what_eager_does(saved: Saved, tmp_path: Path, family: str, store: str) -> None:
    """Logits are eager's up to rounding, and tokens are equal, with a quarter of the experts at hand."""
    folder = saved(family)
    reference, model = eager(folder).cuda(), load(folder, tmp_path, store=store)
    with torch.inference_mode():
        torch.testing.assert_close(
            model(PROMPT.cuda()).logits, reference(PROMPT.cuda()).logits, rtol=1e-3, atol=1e-3
        )
    assert answer(model) == answer(reference)
    experts = experts_of(model)
    assert experts is not None
    experts.close()


@pytest.mark.parametrize("weights", ["exact", "int4"])
def test_residency_changes_no_token(saved: Saved, tmp_path: Path, weights: str) -> None:
    """What is copied when never shows in what is computed, however often a slot changes hands."""
    folder = saved("qwen3_moe", torch.bfloat16)
    answers = [
        answer(load(folder, tmp_path, weights=weights, residency=residency, store=store))
        for residency, store in (("100%", "pinned"), ("25%", "pinned"), ("25%", "ssd"), ("25%", "pageable"))
    ]
    assert all(other == answers[0] for other in answers)


def test_closing_unpins(saved: Saved, tmp_path: Path) -> None:
    """After close the rows' memory can be pinned again, by the next model."""
    for _ in range(2):
        model = load(saved("mixtral"), tmp_path, store="pinned")
        answer(model)
        experts = experts_of(model)
        assert experts is not None
        experts.close()
