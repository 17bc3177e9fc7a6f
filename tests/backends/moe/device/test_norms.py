"""Norms in one kernel compute what the model's own do, up to how often they round."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from backends.moe.device.norms import fuse_norms
from tests.backends.moe.families import CONFIGS, new_model


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_fused_model_gives_the_same_logits(dtype: torch.dtype) -> None:
    """Every norm of the model is fused, and logits stay within the type's rounding."""
    model = new_model(CONFIGS["qwen3_moe"]()).to(dtype).eval()
    norms = [module for module in model.modules() if type(module).__name__.endswith("RMSNorm")]
    for norm in norms:
        norm.weight.data.uniform_(0.5, 1.5)
    ids = torch.tensor([[5, 17, 101, 33]])
    with torch.inference_mode():
        before = model(ids).logits.float()
        assert fuse_norms(model) == len(norms)
        after = model(ids).logits.float()
    assert (after - before).norm() / before.norm() < (1e-5 if dtype == torch.float32 else 0.03)


class OffsetRMSNorm(nn.Module):
    """A norm of another kind, which counts its weight from one, under a name of the same end."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(8))
        self.variance_epsilon = 1e-6

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        scale = torch.rsqrt(hidden.pow(2).mean(-1, keepdim=True) + self.variance_epsilon)
        return hidden * scale * (1 + self.weight)


def test_a_norm_that_computes_something_else_is_left_alone() -> None:
    """It is tried out, not recognised by its name."""
    model = nn.Sequential(OffsetRMSNorm())
    assert fuse_norms(model) == 0
    sample = torch.randn(2, 8)
    assert torch.equal(model(sample), OffsetRMSNorm()(sample))
