"""Keys and values of many texts in fixed tensors, a slot for each text, behind transformers' cache seam.

A model writes what it computes at each row's own positions and reads each row's own slot, so rows of a
step may be of any length; what a row must not see is the mask's business. Layers whose keys and values
differ in shape, as multi-head latent attention's do, are all the same to it.
"""

from __future__ import annotations

from typing import Any

import torch
from transformers import Cache
from transformers.cache_utils import CacheLayerMixin

from backends.moe.serving.place import Place

Tensor = torch.Tensor
# Positions that a slot holds at first; doubled when a text needs more.
_FIRST_LENGTH = 256


class SlotLayer(CacheLayerMixin):  # type: ignore[misc]
    """Keys and values of one layer, in the type that the model computes them in."""

    def __init__(self, cache: SlotCache) -> None:
        super().__init__()
        self._cache = cache
        self.tensors: list[Tensor] = []

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        """Make the tensors, as wide as what comes; zeros, for a mask hides only what are numbers."""
        self.tensors = [self._empty(key_states), self._empty(value_states)]
        self.is_initialized = True

    def update(self, key_states: Tensor, value_states: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        """Write the new keys and values of a step and return all that its rows may see."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        place = self._cache.place
        keys, values = self.tensors
        place.put(keys, key_states)
        place.put(values, value_states)
        return place.take(keys), place.take(values)

    def grow(self, length: int) -> None:
        """Make room for ``length`` positions."""
        grown = []
        for tensor in self.tensors:
            larger = tensor.new_zeros((*tensor.shape[:2], length, tensor.shape[3]))
            larger[:, :, : tensor.shape[2]] = tensor
            grown.append(larger)
        self.tensors = grown

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:  # noqa: ARG002  transformers' seam
        """Return the length that is read, and where it begins."""
        return self._cache.place.length, 0

    def get_seq_length(self) -> int:
        """Return how much is known of the only row; 0 where there are several: steps say their positions."""
        return self._cache.place.start or 0

    def get_max_length(self) -> int:
        """Positions that a slot holds."""
        return self._cache.length

    def _empty(self, like: Tensor) -> Tensor:
        return like.new_zeros((self._cache.slot_count, like.shape[1], self._cache.length, like.shape[3]))


class Int8Layer(SlotLayer):
    """Keys and values of one layer in 8 bits, with a scale for each token and head.

    About half the memory of 16 bits; each is off by at most 1/254 of the largest of its vector.
    """

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        """Make the tensors for codes, and for scales."""
        self.tensors = []
        for states in (key_states, value_states):
            self.tensors += [self._empty(states.to(torch.int8)), self._empty(states[..., :1].float())]
        self.is_initialized = True

    def update(self, key_states: Tensor, value_states: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        """Write the new keys and values of a step and return all that its rows may see."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        keys, key_scales, values, value_scales = self.tensors
        return (
            self._updated(keys, key_scales, key_states),
            self._updated(values, value_scales, value_states),
        )

    def _updated(self, codes: Tensor, scales: Tensor, new: Tensor) -> Tensor:
        place = self._cache.place
        scale = new.abs().amax(dim=-1, keepdim=True).float().clamp(min=1e-12) / 127.0
        place.put(scales, scale)
        place.put(codes, (new / scale).round().to(torch.int8))
        return (place.take(codes) * place.take(scales)).to(new.dtype)


class SlotCache(Cache):  # type: ignore[misc]
    """The cache of ``slot_count`` texts of at most ``max_length`` tokens; set ``place`` before each step."""

    def __init__(
        self, layer_count: int, slot_count: int, max_length: int, layer: type[SlotLayer] = SlotLayer
    ) -> None:
        self.slot_count = slot_count
        self.length = min(_FIRST_LENGTH, max_length)
        self.place: Place
        self._max_length = max_length
        self._used = [0] * slot_count
        super().__init__(layers=[layer(self) for _ in range(layer_count)])

    @torch.inference_mode()
    def reserve(self, slots: list[int], length: int) -> None:
        """Make room for ``length`` positions of ``slots``; raises what torch raises where memory is short."""
        while self.length < length:
            # One layer after the other: a failure halfway leaves some longer than need be, and all whole.
            longer = min(2 * self.length, self._max_length)
            for layer in self.layers:
                if layer.tensors and layer.tensors[0].shape[2] < longer:
                    layer.grow(longer)
            self.length = longer
        for slot in slots:
            self._used[slot] = max(self._used[slot], length)

    @torch.inference_mode()
    def read(self, slot: int, length: int) -> tuple[Tensor, ...]:
        """Copy the first ``length`` positions of ``slot``: a tensor for each tensor of each layer."""
        return tuple(tensor[slot, :, :length].clone() for tensor in self._tensors())

    @torch.inference_mode()
    def write(self, slot: int, states: tuple[Tensor, ...], length: int) -> None:
        """Put the first ``length`` positions of what :meth:`read` returned into ``slot``."""
        self.reserve([slot], length)
        for tensor, state in zip(self._tensors(), states, strict=True):
            tensor[slot, :, :length] = state[:, :length]

    @torch.inference_mode()
    def wipe(self, slot: int) -> None:
        """Forget what ``slot`` holds: what is no number there would reach through any mask."""
        used, self._used[slot] = self._used[slot], 0
        for tensor in self._tensors():
            tensor[slot, :, :used] = 0

    def _tensors(self) -> list[Tensor]:
        return [tensor for layer in self.layers for tensor in layer.tensors]
