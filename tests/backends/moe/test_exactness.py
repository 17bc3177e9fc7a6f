"""Offloaded experts against transformers' own eager code: the same bits."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from backends.moe.experts.function import experts_of
from backends.moe.experts.modules import PARTS, canonical, find_experts
from backends.moe.store.planes import restored, rounded
from tests.backends.moe.conftest import Offloaded, Saved
from tests.backends.moe.mixtures import FAMILIES, eager

PROMPT = torch.tensor([[5, 17, 101, 33, 9, 77, 140, 6, 28, 54, 12, 150, 3]])


def logits(model: Any, tokens: torch.Tensor = PROMPT) -> torch.Tensor:
    """What the model says after each token."""
    with torch.inference_mode():
        result: torch.Tensor = model(tokens).logits
        return result


def answer(model: Any) -> list[int]:
    """Twelve tokens after PROMPT."""
    tokens: list[int] = model.generate(PROMPT, max_new_tokens=12, do_sample=False)[0].tolist()
    return tokens


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["float32", "bfloat16"])
@pytest.mark.parametrize("family", FAMILIES)
def test_exact_rows_compute_the_bits_of_eager(
    saved: Saved, offloaded: Offloaded, family: str, dtype: torch.dtype
) -> None:
    """Logits and generated tokens are equal, though only a quarter of the experts is at hand."""
    folder = saved(family, dtype)
    reference, model = eager(folder), offloaded(folder, residency="25%")
    assert torch.equal(logits(model), logits(reference))
    assert answer(model) == answer(reference)
    assert (stats := experts_of(model)) is not None
    assert stats.stats.miss_count > stats.stats.step_count


@pytest.mark.parametrize("family", FAMILIES)
def test_no_fused_parameter_is_left(saved: Saved, offloaded: Offloaded, family: str) -> None:
    """The model holds no expert, on any device."""
    model = offloaded(saved(family))
    assert not [name for name, _ in model.named_parameters() if "experts." in name and "shared" not in name]


@pytest.mark.parametrize("weights", ["exact", "int4"])
@pytest.mark.parametrize("family", ["qwen3_moe", "gpt_oss"])
def test_how_experts_are_kept_changes_no_bit(
    saved: Saved, offloaded: Offloaded, family: str, weights: str
) -> None:
    """Residency, policy and tier decide what is moved, never what is computed."""
    folder = saved(family, torch.bfloat16)
    everything = offloaded(folder, weights=weights, residency="100%")
    expected, tokens = logits(everything), answer(everything)
    ways = [
        {"residency": "25%", "policy": "lfu"},
        {"residency": "30%", "policy": "least_stale", "store": "ssd"},
        {"residency": "50%", "policy": "lru", "store": "pageable"},
    ]
    for way in ways:
        model = offloaded(folder, weights=weights, **way)
        assert torch.equal(logits(model), expected)
        assert answer(model) == tokens


def test_a_long_prompt_computes_the_bits_of_eager(saved: Saved, offloaded: Offloaded) -> None:
    """More tokens than a step has stream past the cache, in the same order."""
    folder = saved("olmoe")
    tokens = torch.randint(3, 160, (2, 90), generator=torch.Generator().manual_seed(0))
    model = offloaded(folder, residency="25%")
    assert torch.equal(logits(model, tokens), logits(eager(folder), tokens))
    assert answer(model) == answer(eager(folder))


@pytest.mark.parametrize("weights", ["exact", "int4"])
def test_company_changes_no_token(saved: Saved, offloaded: Offloaded, weights: str) -> None:
    """A sequence is answered alike alone and among others that ask for more experts than have slots."""
    model = offloaded(saved("qwen3_moe"), weights=weights, residency="25%")
    prompts = torch.randint(3, 160, (6, 9), generator=torch.Generator().manual_seed(4))
    with torch.inference_mode():
        together = model.generate(prompts, max_new_tokens=10, min_new_tokens=10, do_sample=False)
        for prompt, expected in zip(prompts, together, strict=True):
            alone = model.generate(prompt[None], max_new_tokens=10, min_new_tokens=10, do_sample=False)
            assert torch.equal(alone[0], expected)


@pytest.mark.parametrize("family", ["mixtral", "gpt_oss"])
def test_four_bits_compute_what_rounded_weights_do(saved: Saved, offloaded: Offloaded, family: str) -> None:
    """The int4 store gives the bits of an eager model whose experts were rounded beforehand."""
    folder = saved(family, torch.bfloat16)
    reference = eager(folder)
    for module in find_experts(reference).modules.values():
        for name in ("gate_up_proj", "down_proj"):
            weights = canonical(module, PARTS[name], module.get_parameter(name).detach())
            rounded_weights = restored(rounded(weights, 16), torch.bfloat16)
            setattr(
                module, name, torch.nn.Parameter(canonical(module, PARTS[name], rounded_weights).contiguous())
            )
    assert torch.equal(logits(offloaded(folder, weights="int4", group_size=16)), logits(reference))
