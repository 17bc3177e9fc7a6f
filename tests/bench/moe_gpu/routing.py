"""Which experts each token takes: a trace with the locality of real text, laid over random routers.

The stack model: an expert's chance to be chosen depends on how many others were chosen since its last
turn, by the LRU hit curve published for Qwen3-30B on text (8/24/49/81 of 128 experts a layer hit
36.6/74.1/89.4/96.2 %); for other counts of experts the curve is stretched. Where a model has none, experts
come by pure chance, which is the hardest case.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import torch

_CURVE = ((0, 0.0), (8 / 128, 0.366), (24 / 128, 0.741), (49 / 128, 0.894), (81 / 128, 0.962), (1.0, 1.0))


def trace(
    step_count: int, layer_count: int, expert_count: int, top_k: int, *, locality: bool, seed: int = 0
) -> torch.Tensor:
    """Expert ids; int64, (steps, layers, top_k), distinct within a step's layer."""
    random = np.random.default_rng(seed)
    shares, hits = zip(*_CURVE, strict=True)
    curve = np.interp(np.arange(expert_count + 1) / expert_count, shares, hits)
    chances = np.diff(curve) if locality else np.full(expert_count, 1 / expert_count)
    chosen = np.empty((step_count, layer_count, top_k), np.int64)
    for layer in range(layer_count):
        stack = random.permutation(expert_count)
        # The k smallest of exponentials with these rates: k distinct places, drawn one after another.
        for step in range(step_count):
            places = np.argsort(random.exponential(size=expert_count) / chances)[:top_k]
            chosen[step, layer] = stack[places]
            stack = np.concatenate((chosen[step, layer], np.delete(stack, places)))
    return torch.from_numpy(chosen)


class Injected:
    """Makes a model's routers choose what a trace says; one token a step.

    ``step`` (int64, (1,)) lies on the device and is counted on by the model's own forward.
    """

    def __init__(self, model: Any, chosen: torch.Tensor, device: torch.device) -> None:
        self._chosen = chosen.to(device)
        self.step = torch.zeros(1, dtype=torch.int64, device=device)
        self._now = torch.zeros(chosen.shape[1:], dtype=torch.int64, device=device)
        routers = [module for module in model.modules() if type(module).__name__.endswith("Router")]
        self._handles = [
            *(router.register_forward_hook(self._replace(i)) for i, router in enumerate(routers)),
            model.register_forward_pre_hook(self._advance),
        ]
        if len(routers) != chosen.shape[1]:
            raise SystemExit(f"the model has {len(routers)} routers and the trace {chosen.shape[1]} layers")

    def close(self) -> None:
        """Let the routers choose again."""
        for handle in self._handles:
            handle.remove()

    def _advance(self, _module: Any, _arguments: Any) -> None:
        self._now.copy_(self._chosen.index_select(0, self.step)[0])
        self.step.add_(1).remainder_(len(self._chosen))

    def _replace(self, layer: int) -> Any:
        def hook(_module: Any, _arguments: Any, output: Any) -> Any:
            logits, shares, _ = output
            return logits, shares, self._now[layer : layer + 1]

        return hook


def lru_hits(chosen: torch.Tensor, quota: int) -> float:
    """Share of the trace's selections that an LRU cache of ``quota`` experts a layer holds."""
    hits = 0
    for layer in range(chosen.shape[1]):
        held: dict[int, None] = {}
        for expert in itertools.chain.from_iterable(chosen[:, layer].tolist()):
            hits += expert in held
            held.pop(expert, None)
            held[expert] = None
            if len(held) > quota:
                held.pop(next(iter(held)))
    return hits / chosen.numel()
