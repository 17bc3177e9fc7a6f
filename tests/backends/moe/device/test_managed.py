"""Experts that the device manages by itself give what their matrices give, whatever is cached."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
from torch.nn import functional

from backends.moe.device.managed import DeviceManagedExperts
from backends.moe.device.prefill import restored_rows
from backends.moe.experts.host_managed import Residency
from backends.moe.store.layout import ExpertShape, RowLayout
from backends.moe.store.planes import restored, restored_top, rounded
from backends.moe.store.tiers import MemoryTier, StoreShape

EXPERTS, TOP_K = 6, 2
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
# bfloat16 keeps 8 bits, and the interpreter drops the others where a GPU rounds.
CLOSE = 0.03


@dataclass
class Module:
    """What the kernels ask of a module of transformers: here with an activation of its own."""

    has_gate: bool = True
    is_concatenated: bool = True

    def _apply_gate(self, both: torch.Tensor) -> torch.Tensor:
        gate, up = both.chunk(2, -1)
        return torch.tanh(gate) * up


@dataclass
class Model:
    """One layer of random experts: its rows, and its matrices by level (1: top plane, 2: both)."""

    layout: RowLayout
    rows: torch.Tensor
    matrices: dict[str, dict[int, torch.Tensor]]

    def experts(self, slots: int, **how: float | str) -> DeviceManagedExperts:
        tier = MemoryTier(StoreShape(self.layout, 1, EXPERTS), self.rows.to(DEVICE))
        return DeviceManagedExperts(tier, Residency(slots, **how), TOP_K, DEVICE)  # type: ignore[arg-type]

    def wanted(
        self,
        hidden: torch.Tensor,
        chosen: torch.Tensor,
        shares: torch.Tensor,
        levels: dict[int, int] | None = None,
    ) -> torch.Tensor:
        total = torch.zeros_like(hidden, dtype=torch.float32)
        for token, places in enumerate(chosen.tolist()):
            for place, expert in enumerate(places):
                level = (levels or {}).get(expert, 2)
                both = self._affine(hidden[token].float(), "up", expert, level)
                inner = Module()._apply_gate(both)
                total[token] += shares[token, place].float() * self._affine(inner, "down", expert, level)
        return total

    def _affine(self, vector: torch.Tensor, name: str, expert: int, level: int) -> torch.Tensor:
        bias = self.layout.view(self.rows[0, expert], f"{name}.bias").float()
        return functional.linear(vector, self.matrices[name][level][expert], bias)


@pytest.fixture(scope="module")
def model() -> Model:
    torch.manual_seed(0)
    layout = RowLayout(ExpertShape(32, 16, has_bias=True), "int4", torch.bfloat16, 16)
    rows = torch.zeros((1, EXPERTS, layout.byte_count), dtype=torch.uint8)
    matrices: dict[str, dict[int, torch.Tensor]] = {}
    for name in ("up", "down"):
        planes = rounded(torch.randn((EXPERTS, *layout.shape.matrix(name))) * 0.2, layout.group_size)
        parts = {"hi": planes.hi, "lo": planes.lo, "hi.grid": planes.hi_grid, "lo.grid": planes.lo_grid}
        for part, values in parts.items():
            layout.view(rows[0], f"{name}.{part}").copy_(values)
        layout.view(rows[0], f"{name}.bias").normal_(std=0.1)
        matrices[name] = {
            1: restored_top(planes.hi, planes.hi_grid, torch.float32),
            2: restored(planes, torch.float32),
        }
    return Model(layout, rows, matrices)


def step(experts: DeviceManagedExperts, chosen: list[list[int]], gates: list[list[float]]) -> torch.Tensor:
    shares = torch.tensor(gates, device=DEVICE)
    return experts.compute(
        0, Module(), hidden(len(chosen)).to(DEVICE), (torch.tensor(chosen).to(DEVICE), shares)
    )


def hidden(count: int) -> torch.Tensor:
    return torch.randn((count, 32), generator=torch.Generator().manual_seed(1)).bfloat16()


def off(found: torch.Tensor, wanted: torch.Tensor) -> float:
    return float((found.float().cpu() - wanted).norm() / wanted.norm())


def test_computes_what_the_matrices_give(model: Model) -> None:
    """Biases, an activation that the kernels do not know, and two tokens that share an expert."""
    chosen, gates = [[1, 4], [4, 2]], [[0.7, 0.3], [0.2, 0.8]]
    found = step(model.experts(3), chosen, gates)
    wanted = model.wanted(hidden(2), torch.tensor(chosen), torch.tensor(gates))
    assert off(found, wanted) < CLOSE


def test_the_size_of_the_cache_changes_nothing(model: Model) -> None:
    """Bit by bit, however often a slot changes hands; and what was used last stays longest."""
    small, large = model.experts(3), model.experts(EXPERTS)
    for chosen in ([[0, 1]], [[2, 1]], [[3, 1]], [[0, 5]]):
        gates = [[0.6, 0.4]]
        assert torch.equal(step(small, chosen, gates), step(large, chosen, gates))
    assert (small.stats.hit_count, small.stats.miss_count) == (2, 6)
    assert (large.stats.hit_count, large.stats.miss_count) == (3, 5)
    assert set(small.arena.expert_of_slot[0].tolist()) == {1, 0, 5}


def test_more_choices_than_slots_take_turns(model: Model) -> None:
    """Tokens that together want more experts than there is room for are computed part by part."""
    chosen = [[0, 1], [2, 3], [4, 5]]
    gates = [[0.5, 0.5]] * 3
    wanted = model.wanted(hidden(3), torch.tensor(chosen), torch.tensor(gates))
    assert off(step(model.experts(2), chosen, gates), wanted) < CLOSE


def test_little_experts_come_in_half_and_are_completed_when_used_again(model: Model) -> None:
    """A miss with a small share fetches the top plane; its share is told; the next use brings the rest."""
    experts = model.experts(3, little_below=0.35)
    chosen, gates = [[1, 4]], [[0.7, 0.3]]
    found = step(experts, chosen, gates)
    wanted = model.wanted(hidden(1), torch.tensor(chosen), torch.tensor(gates), levels={4: 1})
    assert off(found, wanted) < CLOSE
    assert experts.little_mass.of_last_pass().tolist() == pytest.approx([0.3])
    prefix, whole = model.layout.little_byte_count, model.layout.byte_count
    assert experts.stats.moved_byte_count == prefix + whole
    assert torch.equal(step(experts, chosen, gates), step(model.experts(3), chosen, gates))
    assert experts.stats.upgrade_count == 1
    assert experts.stats.moved_byte_count == 2 * whole
    assert experts.little_mass.of_last_pass().tolist() == [0.0]


def test_the_most_frequent_stay_where_asked(model: Model) -> None:
    """By use count an expert of many steps outlives one of the last."""
    experts = model.experts(3, policy="lfu")
    for chosen in ([[1, 2]], [[1, 2]], [[1, 3]], [[1, 4]]):
        step(experts, chosen, [[0.5, 0.5]])
    assert set(experts.arena.expert_of_slot[0].tolist()) == {1, 2, 4}


@pytest.mark.parametrize("name", ["up", "down"])
def test_prompts_get_the_same_matrices(model: Model, name: str) -> None:
    """What is written out for many tokens is what both planes stand for, up to bfloat16."""
    found = restored_rows(model.rows[0].to(DEVICE), model.layout, name, torch.bfloat16)
    torch.testing.assert_close(found.float().cpu(), model.matrices[name][2], rtol=2**-7, atol=1e-3)
