"""Muon: momentum made orthogonal, for hidden weight matrices.

After Keller Jordan, "Muon: an optimizer for hidden layers in neural networks" (2024), with the update scaled
to AdamW's size as in "Muon is scalable for LLM training" (arXiv:2502.16982, section 2.2). `torch.optim.Muon`
takes single matrices only; this one takes stacks of them too, as experts come, and does equal shapes at once.
"""

from collections import defaultdict
from collections.abc import Iterable

import torch
from torch import Tensor

_QUINTIC = (3.4445, -4.7750, 2.0315)
_STEPS = 5


def orthogonalise(matrices: Tensor) -> Tensor:
    """Brings the singular values of matrices near 1 by Newton-Schulz; (n, rows, columns), rows <= columns."""
    first, second, third = _QUINTIC
    x: Tensor = matrices.bfloat16()
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(_STEPS):
        gram = x @ x.mT
        x = first * x + (second * gram + third * gram @ gram) @ x
    return x.to(matrices.dtype)


class Muon(torch.optim.Optimizer):
    """Steps matrices, or stacks of them, along the orthogonalised Nesterov momentum of their gradients."""

    def __init__(
        self, parameters: Iterable[Tensor], *, lr: float, momentum: float = 0.95, weight_decay: float = 0.0
    ):
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, _closure: None = None) -> None:  # type: ignore[override]
        """Updates every parameter that has a gradient; takes no closure."""
        for group in self.param_groups:
            alike: defaultdict[torch.Size, list[tuple[Tensor, Tensor]]] = defaultdict(list)
            for parameter in group["params"]:
                if parameter.grad is not None:
                    update = self._nesterov(parameter, parameter.grad, group["momentum"])
                    alike[update.shape[-2:]].append((parameter, update))
            for pairs in alike.values():
                _apply(pairs, group["lr"], group["weight_decay"])

    def _nesterov(self, parameter: Tensor, gradient: Tensor, momentum: float) -> Tensor:
        state = self.state[parameter]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(parameter)
        average = state["momentum"].lerp_(gradient, 1 - momentum)
        return gradient.lerp(average, momentum)


def _apply(pairs: list[tuple[Tensor, Tensor]], lr: float, weight_decay: float) -> None:
    """Takes one step for parameters whose matrices have one shape; tall ones are turned for the while."""
    rows, columns = pairs[0][1].shape[-2:]
    updates = torch.cat([update.reshape(-1, rows, columns) for _, update in pairs])
    steps = orthogonalise(updates.mT).mT if rows > columns else orthogonalise(updates)
    start = 0
    for parameter, update in pairs:
        count = update.numel() // (rows * columns)
        step = steps[start : start + count].reshape(parameter.shape)
        parameter.mul_(1 - lr * weight_decay).add_(step, alpha=-lr * 0.2 * max(rows, columns) ** 0.5)
        start += count
