"""Rows that are being filled from a checkpoint, in whatever order its tensors come."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

import torch

from backends.moe.errors import NoExpertsHook
from backends.moe.experts.modules import ExpertModules, canonical, part_of
from backends.moe.experts.unfused import OneByOne
from backends.moe.store.layout import RowLayout
from backends.moe.store.rows import Part, pack, parts


class Filling:
    """Rows that are being filled: uint8 (layers, experts, bytes), all layers of one model.

    ``advance`` hears how many fused tensors are packed, and of how many. Parts ``elsewhere`` do not come
    through transformers; who reads them ``put``s them.
    """

    def __init__(
        self,
        experts: ExpertModules,
        layout: RowLayout,
        rows: torch.Tensor,
        advance: Callable[[int, int], object] = lambda *_: None,
        elsewhere: Collection[Part] = (),
    ) -> None:
        self.elsewhere = elsewhere
        self._advance = advance
        self._experts = experts
        self._layout = layout
        self._rows = rows
        self._layers = {name: layer for layer, name in enumerate(experts.modules)}
        self._missing = {(layer, part) for layer in self._layers.values() for part in parts(layout)}

    def add(self, parameter_name: str, values: torch.Tensor | OneByOne) -> None:
        """Pack a parameter of one layer, fused or not; raises NoExpertsHook where its shape is wrong."""
        found = part_of(parameter_name)
        assert found is not None
        name, part = found
        module = self._experts.modules[name]
        self.put(name, part, (canonical(module, part, matrix) for matrix in values))

    def put(self, module: str, part: Part, matrices: Iterable[torch.Tensor]) -> None:
        """Pack ``part`` of each expert of ``module``: (outputs, inputs) or (outputs,); raises as above."""
        layer = self._layers[module]
        count = 0
        for count, matrix in enumerate(matrices, 1):
            if count <= self._experts.expert_count:
                pack(self._layout, self._rows[layer, count - 1], part, matrix)
        if count != self._experts.expert_count:
            raise NoExpertsHook(
                f"the checkpoint holds {count} experts for {part} of {module}, "
                f"and its config says {self._experts.expert_count}"
            )
        self._missing.discard((layer, part))
        total = len(self._layers) * len(parts(self._layout))
        self._advance(total - len(self._missing), total)

    def check_complete(self) -> None:
        """Raise NoExpertsHook where a part of a layer never came."""
        if self._missing:
            layer, part = min(self._missing)
            raise NoExpertsHook(
                f"the checkpoint lacks {len(self._missing)} tensors of experts, the first is "
                f"'{part}' of layer {layer}; is it complete?"
            )
