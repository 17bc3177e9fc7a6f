"""The same model under accelerate's offload: experts in bfloat16 on the host, moved whole at every use."""

from __future__ import annotations

import gc
import time
from typing import Any

import torch
from transformers import AutoModelForCausalLM, StaticCache

from tests.bench.moe_gpu.building import expert_modules
from tests.bench.moe_gpu.shapes import Model

_LAYERS = {"qwen3-30b-a3b": 7, "olmoe-1b-7b": 7, "mixtral-8x7b": 4}


@torch.inference_mode()
def accelerate_tokens_per_s(model: Model) -> dict[str, float]:
    """Tokens a second of the whole model, reckoned from a few of its layers; one of these is on the GPU."""
    from accelerate import dispatch_model

    layers = _LAYERS[model.name]
    device = torch.device("cuda")
    with torch.device("meta"):
        built: Any = AutoModelForCausalLM.from_config(model.settings(layers), dtype=torch.bfloat16)
    built.to_empty(device="cpu")
    for parameter in built.parameters():
        parameter.data.fill_(0.01)
    built.model.rotary_emb = type(built.model.rotary_emb)(config=built.config)
    names = {id(module): name for name, module in built.named_modules()}
    first, *others = expert_modules(built)
    places: dict[str, Any] = {names[id(first)]: 0} | {names[id(module)]: "cpu" for module in others}
    for name, module in built.named_modules():
        if not list(module.children()) and not any(name.startswith(given) for given in places):
            places[name] = 0
    built.set_experts_implementation("batched_mm")
    dispatched = dispatch_model(built.eval(), device_map=places, main_device=0)
    cache = StaticCache(config=built.config, max_cache_len=64)
    token = torch.ones((1, 1), dtype=torch.int64, device=device)
    times = []
    for _ in range(4):
        torch.cuda.synchronize()
        began = time.perf_counter()
        dispatched(input_ids=token, past_key_values=cache, use_cache=True)
        torch.cuda.synchronize()
        times.append(time.perf_counter() - began)
    del dispatched, built, cache
    gc.collect()
    torch.cuda.empty_cache()
    step_s = sorted(times[1:])[1] * model.layer_count / (layers - 1)
    return {"layers_run": layers, "tokens_per_s": 1 / step_s}
