"""One layer's work for one input: what each expert adds, exactly as transformers' eager code has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch.nn import functional

from backends.moe.experts.routing import Use, uses_of
from backends.moe.store.layout import RowLayout
from backends.moe.store.rows import bias, matrix


@dataclass(frozen=True)
class Step:
    """A layer's experts ``module`` with what it is given.

    ``hidden``: (rows, hidden size); ``index`` and ``weights``: (rows, top_k).
    """

    layer: int
    module: Any
    hidden: torch.Tensor
    index: torch.Tensor
    weights: torch.Tensor
    expert_count: int

    @cached_property
    def uses(self) -> dict[int, Use]:
        """The tokens of each expert that has any, ascending; waits for the device."""
        return uses_of(self.index, self.expert_count)

    @cached_property
    def shares(self) -> torch.Tensor:
        """Share of each choice in the gates of its row, float32, (rows, top_k)."""
        weights = self.weights.float().abs()
        return weights / weights.sum(-1, keepdim=True).clamp_min(1e-20)

    def shares_of(self, expert: int) -> torch.Tensor:
        """Shares that its tokens give to ``expert``, (uses,)."""
        use = self.uses[expert]
        return self.shares[use.rows, use.places]

    def largest_share(self, expert: int) -> float:
        """The largest share that any token gives to ``expert``."""
        return float(self.shares_of(expert).max())

    def by_importance(self, slot_count: int) -> list[int]:
        """Experts needed; where ``slot_count`` is too few for all, those with the most gate mass first."""
        if len(self.uses) <= slot_count:
            return list(self.uses)
        return sorted(self.uses, key=lambda expert: -float(self.shares_of(expert).sum()))

    def output_of(self, expert: int, layout: RowLayout, row: torch.Tensor, *, little: bool) -> torch.Tensor:
        """What ``expert``, whose weights are in ``row``, gives its tokens, weighted: (uses, hidden size)."""
        use = self.uses[expert]
        # Bias apart from the product: eager rounds between them.
        state = self._product(self.hidden[use.rows], matrix(layout, row, "up", little=little))
        state = _plus(state, bias(layout, row, "up"))
        state = self.module._apply_gate(state) if layout.shape.has_gate else self.module.act_fn(state)
        state = self._product(state, matrix(layout, row, "down", little=little))
        state = _plus(state, bias(layout, row, "down"))
        if getattr(self.module, "has_post_expert_norm", False):
            state = self.module.post_expert_norm(state)
        return state * self.weights[use.rows, use.places, None]

    def total(self, outputs: Mapping[int, torch.Tensor]) -> torch.Tensor:
        """Sum over experts, ascending whatever order they were computed in: (rows, hidden size)."""
        total = torch.zeros_like(self.hidden)
        for expert, use in self.uses.items():
            total.index_add_(0, use.rows, outputs[expert].to(total.dtype))
        return total

    def _product(self, states: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        if getattr(self.module, "is_transposed", False) and states.device.type == "cpu":
            # Eager multiplies by matrices that lie the other way round, and the processor's products
            # add up in an order that follows (GPT-OSS in float32: 1.5e-5 apart without this copy).
            return states @ weights.t().contiguous()
        return functional.linear(states, weights)


def _plus(states: torch.Tensor, offsets: torch.Tensor | None) -> torch.Tensor:
    return states if offsets is None else states + offsets
