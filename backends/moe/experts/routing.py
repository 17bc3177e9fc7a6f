"""Which tokens ask for which expert, in the order in which transformers' own eager code takes them."""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass(frozen=True, slots=True)
class Use:
    """The tokens that one expert works for: ``rows`` of the input and ``places`` among their choices.

    Both int64 (uses,), by place first, then by row, as ``torch.where`` gives them; where the input is.
    """

    rows: torch.Tensor
    places: torch.Tensor


def uses_of(top_k_index: torch.Tensor, expert_count: int) -> dict[int, Use]:
    """Group ``top_k_index`` (rows, top_k) by expert, ascending; ids from ``expert_count`` on mean nobody.

    Waits for the device once.
    """
    chosen = top_k_index.cpu().t().reshape(-1)
    order = torch.argsort(chosen, stable=True)
    experts, counts = torch.unique_consecutive(chosen[order], return_counts=True)
    row_count = len(top_k_index)
    groups = torch.split(order.to(top_k_index.device), counts.tolist())
    return {
        expert: Use(group % row_count, group // row_count)
        for expert, group in zip(experts.tolist(), groups, strict=True)
        if expert < expert_count
    }
