"""Whether the decode step of each family can be captured, and then gives what it gives uncaptured."""

from __future__ import annotations

from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, StaticCache

from backends.moe.device.captured import Captured
from backends.moe.device.managed import DeviceManagedExperts
from backends.moe.experts.function import attach
from backends.moe.experts.host_managed import Residency
from backends.moe.store.layout import ExpertShape, RowLayout, group_size_for
from backends.moe.store.tiers import MemoryTier, StoreShape
from tests.bench.moe_gpu.building import expert_modules, pinned, random_rows, unpin

_COMMON = {
    "hidden_size": 256,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 512,
    "max_position_embeddings": 512,
    "intermediate_size": 128,
}
FAMILIES: dict[str, dict[str, Any]] = {
    "mixtral": {"num_local_experts": 8, "num_experts_per_tok": 2},
    "qwen2_moe": {
        "num_experts": 8,
        "num_experts_per_tok": 2,
        "moe_intermediate_size": 128,
        "shared_expert_intermediate_size": 128,
    },
    "qwen3_moe": {"num_experts": 8, "num_experts_per_tok": 2, "moe_intermediate_size": 128, "head_dim": 64},
    "olmoe": {"num_experts": 8, "num_experts_per_tok": 2},
    "gpt_oss": {
        "num_local_experts": 8,
        "num_experts_per_tok": 2,
        "head_dim": 64,
        "layer_types": ["sliding_attention", "full_attention", "sliding_attention"],
    },
    "deepseek_v3": {
        "n_routed_experts": 8,
        "num_experts_per_tok": 2,
        "moe_intermediate_size": 128,
        "n_group": 2,
        "topk_group": 1,
        "first_k_dense_replace": 1,
        "kv_lora_rank": 32,
        "q_lora_rank": 48,
        "qk_rope_head_dim": 16,
        "qk_nope_head_dim": 32,
        "v_head_dim": 32,
        "num_key_value_heads": 4,
    },
}


def captures(family: str) -> str:
    """``ok``, or what went wrong, for a tiny model of ``family``."""
    try:
        return _captures(family)
    except Exception as exc:  # noqa: BLE001 - the report says which family failed and how
        return f"{type(exc).__name__}: {str(exc).splitlines()[0][:160]}"


def _captures(family: str) -> str:
    torch.manual_seed(0)
    device = torch.device("cuda")
    settings = AutoConfig.for_model(family, **{**_COMMON, **FAMILIES[family]})
    model = AutoModelForCausalLM.from_config(settings, dtype=torch.bfloat16).to(device).eval()
    modules = expert_modules(model)
    shape = ExpertShape(256, 128, has_bias=bool(modules[0].has_bias))
    layout = RowLayout(shape, "int4", torch.bfloat16, group_size_for(shape) or 16)
    memory = pinned(len(modules) * 8 * layout.byte_count)
    try:
        return _compared(model, random_rows(memory, len(modules), 8, layout), layout)
    finally:
        unpin(memory)


def _compared(model: Any, rows: torch.Tensor, layout: RowLayout) -> str:
    for name in ("up.bias", "down.bias"):
        if name in layout.segments:
            layout.view(rows, name).zero_()
    device = torch.device("cuda")
    runs = {}
    with torch.inference_mode():
        for quota, captured in ((4, False), (4, True), (8, True)):
            tier = MemoryTier(StoreShape(layout, len(rows), 8), rows)
            experts = DeviceManagedExperts(tier, Residency(quota), 2, device)
            attach(model, experts, {str(i): module for i, module in enumerate(expert_modules(model))})
            runs[quota, captured] = _tokens(model, experts.arena, captured=captured)
        many = _prefilled(model)
    tokens, first = runs[4, False]
    if not torch.equal(tokens, runs[4, True][0]):
        return "captured tokens differ"
    if not torch.equal(first, runs[8, True][1]) or not torch.equal(tokens, runs[8, True][0]):
        return "another cache size gives other numbers"
    return f"ok; prompt path differs by {(first - many).norm() / many.norm():.4f}"


def _tokens(model: Any, arena: Any, *, captured: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """Greedy tokens from one start, and the logits of the first step."""
    device = arena.slots.device
    cache = StaticCache(config=model.config, max_cache_len=64)
    token = torch.full((1, 1), 7, dtype=torch.int64, device=device)

    def step() -> torch.Tensor:
        logits: torch.Tensor = model(input_ids=token, past_key_values=cache, use_cache=True).logits[:, -1]
        token.copy_(logits.argmax(-1, keepdim=True))
        return logits

    run = Captured(step, device) if captured else step
    cache.reset()
    arena.empty()
    token.fill_(7)
    written, first = [], None
    for _ in range(24):
        logits = run()
        first = logits.float().clone() if first is None else first
        written.append(token.clone())
    assert first is not None
    return torch.cat(written), first


def _prefilled(model: Any) -> torch.Tensor:
    """Logits at the first of 32 tokens read at once: the path of prompts."""
    ids = torch.full((1, 32), 7, dtype=torch.int64, device="cuda")
    logits: torch.Tensor = model(input_ids=ids, use_cache=False).logits[:, 0]
    return logits.float()
