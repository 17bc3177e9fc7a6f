"""Muon: momentum made orthogonal, for hidden weight matrices.

After Keller Jordan, "Muon: an optimizer for hidden layers in neural networks" (2024), with the update scaled to
AdamW's size as in "Muon is scalable for LLM training" (arXiv:2502.16982, section 2.2). `torch.optim.Muon` takes
single matrices only; this one also takes stacks of them, as experts come, and does equal shapes in one batch.
"""

from collections import defaultdict
from collections.abc import Iterable

import torch
from torch import Tensor

_QUINTIC = (3.4445, -4.7750, 2.0315)
_STEPS = 5


def orthogonalise(matrices: Tensor) -> Tensor:
    """Brings the singular values of each matrix near 1 by Newton-Schulz steps; (n, rows, columns), rows <= columns."""
    first, second, third = _QUINTIC
    x = matrices.bfloat16()
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(_STEPS):
        gram = x @ x.mT
        x = first * x + (second * gram + third * gram @ gram) @ x
    return x.to(matrices.dtype)


def _wide(matrix: Tensor) -> Tensor:
    stack = matrix if matrix.ndim == 3 else matrix[None]
    return stack.mT if stack.shape[1] > stack.shape[2] else stack


class Muon(torch.optim.Optimizer):
    """Steps matrices, or stacks of matrices, along the orthogonalised Nesterov momentum of their gradients."""

    def __init__(self, parameters: Iterable[Tensor], *, lr: float, momentum: float = 0.95, weight_decay: float = 0.0):
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        """Updates every parameter that has a gradient."""
        for group in self.param_groups:
            alike = defaultdict(list)
            for parameter in group["params"]:
                if parameter.grad is not None:
                    update = self._nesterov(parameter, group["momentum"])
                    alike[_wide(update).shape[1:]].append((parameter, update))
            for pairs in alike.values():
                _apply(pairs, group["lr"], group["weight_decay"])

    def _nesterov(self, parameter: Tensor, momentum: float) -> Tensor:
        state = self.state[parameter]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(parameter)
        average = state["momentum"].lerp_(parameter.grad, 1 - momentum)
        return parameter.grad.lerp(average, momentum)


def _apply(pairs: list[tuple[Tensor, Tensor]], lr: float, weight_decay: float) -> None:
    stacks = [_wide(update) for _, update in pairs]
    steps = orthogonalise(torch.cat(stacks)).split([len(stack) for stack in stacks])
    for (parameter, update), step in zip(pairs, steps, strict=True):
        turned = step if _wide(update).shape[1:] == update.shape[-2:] and update.shape[-2] <= update.shape[-1] else step.mT
        scale = 0.2 * max(update.shape[-2:]) ** 0.5
        parameter.mul_(1 - lr * weight_decay)
        parameter.add_(turned.reshape(parameter.shape), alpha=-lr * scale)
