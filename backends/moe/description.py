"""What offloading a model would take and give, without its weights being read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModelForCausalLM

from backends.moe.bound import Demand, Rates, expected_hit_rate
from backends.moe.checkpoint import Checkpoint
from backends.moe.errors import CannotOffload, NoExpertsHook
from backends.moe.experts.modules import PARTS, ExpertModules, find_experts
from backends.moe.experts.quota import slots_per_layer
from backends.moe.loading import translated
from backends.moe.offload_options import OffloadOptions
from backends.moe.offloading import header_for, shape_for
from backends.moe.store.files import MappedTier
from backends.moe.store.header import read_header
from backends.moe.store.opening import make_folder, path_of
from backends.moe.store.tiers import StoreShape

_RESIDENCIES = (0.25, 0.5, 1.0)


@dataclass(frozen=True, slots=True)
class Speed:
    """What a residency takes and, at best, gives: one sequence, experts recurring as Qwen3-30B's do."""

    residency: float
    slot_count: int
    slot_byte_count: int
    hit_rate: float
    tokens_per_second_bound: float


@dataclass(frozen=True, slots=True)
class StoreDescription:
    """Rows of one kind; ``path`` is where they are, None: they have not been converted."""

    weights: str
    group_size: int | None
    row_byte_count: int
    little_byte_count: int
    byte_count: int
    path: str | None
    speeds: tuple[Speed, ...]


@dataclass(frozen=True, slots=True)
class MoeDescription:
    """A mixture of experts, and what can be made of it."""

    model: str
    architecture: str
    layer_count: int
    expert_count: int
    top_k: int
    hidden_size: int
    inner_size: int
    dense_byte_count: int
    rates: Rates
    stores: tuple[StoreDescription, ...]


def describe(model: str, options: OffloadOptions, rates: Rates) -> MoeDescription:
    """Describe ``model``, a folder or a name on the hub; raises Unavailable, NotMoe among others."""
    with translated(f"read the configuration of {model}"):
        config = Checkpoint(model).config()
        with torch.device("meta"):
            bare = AutoModelForCausalLM.from_config(config, dtype=config.dtype or torch.float32)
    experts = find_experts(bare)
    dense = _dense_byte_count(bare, experts)
    return MoeDescription(
        model=model,
        architecture=type(bare).__name__,
        layer_count=experts.layer_count,
        expert_count=experts.expert_count,
        top_k=experts.top_k,
        hidden_size=experts.shape.hidden_size,
        inner_size=experts.shape.inner_size,
        dense_byte_count=dense,
        rates=rates,
        stores=tuple(_stores(model, experts, options, (dense, rates))),
    )


def check_store(path: Path) -> StoreShape:
    """Read every row of a store; raises DamagedStore (and removes the file), and Unavailable."""
    with translated(f"read {path}"):
        tier = MappedTier(path)
        target = np.empty(tier.shape.layout.byte_count, np.uint8)
        for layer in range(tier.shape.layer_count):
            for expert in range(tier.shape.expert_count):
                tier.read(layer, expert, slice(0, len(target)), target)
    return tier.shape


def _stores(
    model: str, experts: ExpertModules, options: OffloadOptions, costs: tuple[int, Rates]
) -> list[StoreDescription]:
    found = []
    for weights in ("exact", "int4"):
        chosen = options.model_copy(update={"weights": weights})
        try:
            shape = shape_for(experts, chosen)
        except NoExpertsHook:  # 4 bits do not fit
            continue
        layout = shape.layout
        found.append(
            StoreDescription(
                weights=weights,
                group_size=None if weights == "exact" else layout.group_size,
                row_byte_count=layout.byte_count,
                little_byte_count=layout.little_byte_count,
                byte_count=shape.byte_count,
                path=_path_if_there(model, experts, chosen),
                speeds=tuple(_speed(shape, experts.top_k, share, costs) for share in _RESIDENCIES),
            )
        )
    return found


def _path_if_there(model: str, experts: ExpertModules, options: OffloadOptions) -> str | None:
    make_folder(options.folder)
    header = header_for(model, experts, options)
    path = path_of(options.folder, Path(model).name, header)
    try:
        return str(path) if read_header(path)[0] == header else None
    except (OSError, CannotOffload):
        return None


def _speed(shape: StoreShape, top_k: int, share: float, costs: tuple[int, Rates]) -> Speed:
    dense, rates = costs
    slots = slots_per_layer(shape, share, top_k)
    hit_rate = expected_hit_rate(shape, top_k, slots)
    demand = Demand(shape, top_k, dense)
    return Speed(
        residency=share,
        slot_count=slots,
        slot_byte_count=slots * shape.layer_count * shape.layout.byte_count,
        hit_rate=hit_rate,
        tokens_per_second_bound=demand.tokens_per_second(rates, hit_rate),
    )


def _dense_byte_count(model: Any, experts: ExpertModules) -> int:
    inside = {f"{module}.{part}" for module in experts.modules for part in PARTS}
    # Embeddings are looked up, not read whole; where the head shares them, they are.
    embeddings = model.get_input_embeddings().weight
    tied = model.get_output_embeddings() is not None and model.get_output_embeddings().weight is embeddings
    return sum(
        parameter.nbytes
        for name, parameter in model.named_parameters()
        if name not in inside and (tied or parameter is not embeddings)
    )
