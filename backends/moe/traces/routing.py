"""Listens to a model's routing, or replaces it: hooks before its experts, however they are computed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn

from backends.moe.traces.trace import Choices, Trace


class Recording:
    """What has been chosen so far."""

    def __init__(self, layer_count: int, expert_count: int) -> None:
        self._layers: list[list[Choices]] = [[] for _ in range(layer_count)]
        self._expert_count = expert_count

    def add(self, layer: int, index: torch.Tensor) -> None:
        """Add the choices of one layer for some tokens, (tokens, top_k)."""
        self._layers[layer].append(index.cpu().numpy().astype(np.int16))

    def trace(self) -> Trace:
        """Return all tokens that passed through every layer."""
        layers = [np.concatenate(chunks) for chunks in self._layers]
        return Trace(np.stack(layers, axis=1), self._expert_count)


@contextmanager
def recorded(modules: dict[str, nn.Module], expert_count: int) -> Iterator[Recording]:
    """Record what ``modules``, a model's experts in order, are asked for."""
    recording = Recording(len(modules), expert_count)

    def listen(layer: int, arguments: tuple[Any, ...]) -> None:
        recording.add(layer, arguments[1])

    with _before_each(modules, listen):
        yield recording


@contextmanager
def injected(modules: dict[str, nn.Module], trace: Trace) -> Iterator[None]:
    """Let ``modules`` choose what ``trace`` says, from its first token on and around; gates stay the model's.

    A random model routes at random; this gives it the locality of a real one.
    """
    choices = torch.from_numpy(trace.choices.astype(np.int64))
    places = [0] * len(modules)

    def replace(layer: int, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
        hidden, index, *others = arguments
        rows = torch.arange(places[layer], places[layer] + len(index)) % len(choices)
        places[layer] += len(index)
        return (hidden, choices[rows, layer, : index.shape[1]].to(index.device), *others)

    with _before_each(modules, replace):
        yield


@contextmanager
def _before_each(modules: dict[str, nn.Module], act: Any) -> Iterator[None]:
    handles = [
        module.register_forward_pre_hook(lambda _, arguments, layer=layer: act(layer, arguments))
        for layer, module in enumerate(modules.values())
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
