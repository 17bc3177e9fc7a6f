"""Lays a trace over a model's routers, which with random weights choose nothing like a real one's."""

from __future__ import annotations

from typing import Any

import torch

from backends.moe.traces.generator import LOCALITIES, Locality, generate, scaled

_SEED = 0


def trace(
    step_count: int, layer_count: int, expert_count: int, top_k: int, *, locality: bool
) -> torch.Tensor:
    """Expert ids; int64, (steps, layers, top_k).

    With ``locality`` Qwen3-30B's published hit curve, stretched to so many experts; else pure chance, which
    is the hardest case.
    """
    even = Locality(expert_count, top_k, {})
    curve = scaled(LOCALITIES["qwen3-30b"], expert_count, top_k) if locality else even
    drawn = generate(curve, token_count=step_count, layer_count=layer_count, seed=_SEED)
    return torch.from_numpy(drawn.choices).long()


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
