"""Loads a model with its experts offloaded: finds or converts their rows, and puts them to work."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from backends.moe.checkpoint import Checkpoint
from backends.moe.device.norms import fuse_norms
from backends.moe.errors import CannotOffload, NoExpertsHook, TooLittleMemory
from backends.moe.experts import fp8, mxfp4
from backends.moe.experts.filling import Filling
from backends.moe.experts.function import Experts, attach
from backends.moe.experts.host_managed import PASSING_SLOT_COUNT, HostManagedExperts, Residency
from backends.moe.experts.modules import ExpertModules
from backends.moe.experts.quantizer import OffloadConfig
from backends.moe.experts.quota import slots_per_layer
from backends.moe.memory import available_byte_count
from backends.moe.offload_options import OffloadOptions
from backends.moe.store.header import Header
from backends.moe.store.identity import identity_of
from backends.moe.store.layout import RowLayout, group_size_for
from backends.moe.store.opening import converting, is_there, make_folder, open_tier, path_of, writer_for
from backends.moe.store.tiers import StoreShape, Tier
from backends.moe.store.writer import StoreWriter

_READERS = {mxfp4.METHOD: mxfp4, fp8.METHOD: fp8}
Progress = Callable[[str, int, int], object]
"""Hears what is being done, how far it is, and how far it goes."""


def load_offloaded(checkpoint: Checkpoint, options: OffloadOptions, device: str) -> Any:
    """Load a model onto ``device``, but for its experts.

    Raises CannotOffload, and what transformers raises.
    """
    rows = Rows(checkpoint, options, device=device)
    model = rows.load().to(device)
    experts = rows.found
    tier = rows.open(device)
    at_work = _at_work(tier, options, device, experts.top_k)
    attach(model, at_work, experts.modules)
    if at_work.captured_token_count:  # nothing else is slower then than many small kernels
        fuse_norms(model)
    return model


class Rows:
    """The rows of a model's experts on disk: there already, or made while the model is loaded.

    ``device``: where they will compute, so that it is known before they are converted whether their
    slots fit; None: nowhere yet.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        options: OffloadOptions,
        progress: Progress = lambda *_: None,
        device: str | None = None,
    ) -> None:
        self._device = device
        self._checkpoint = checkpoint
        self._options = options
        self._progress = progress
        self._writer: StoreWriter | None = None
        self._filling: Filling | None = None
        self._packed: ModuleType | None = None
        self._held = ExitStack()
        self.path = Path()

    def load(self) -> Any:
        """Load the model without its experts; what is not there is converted on the way."""
        config = self._checkpoint.config()
        self._packed = _reader_of(config)
        with self._held:
            hook = OffloadConfig(self._prepare)
            model = self._read(config, hook)
            if self._filling is not None and self._writer is not None:
                if self._packed is not None:
                    self._packed.fill(self._filling, self.found, self._checkpoint.folder())
                self._filling.check_complete()
                self._writer.finish()
        # From here on it is a model like any other; the hook would keep the file mapped.
        model.hf_quantizer.remove_quantization_config(model)
        return model

    def open(self, device: str) -> Tier:
        """Open the rows for experts that compute on ``device``."""
        return open_tier(self.path, self._options.store, gpu=device != "cpu")

    @property
    def were_there(self) -> bool:
        """Whether ``load`` found them converted."""
        return self._writer is None

    def _prepare(self, experts: ExpertModules) -> Filling | None:
        self.found = experts
        self.shape = shape_for(experts, self._options)
        if self._device is not None:
            check_room(self.shape, self._options, self._device, experts.top_k)
        make_folder(self._options.folder)
        name = self._checkpoint.name
        header = header_for(name, experts, self._options)
        self.path = path_of(self._options.folder, Path(name).name, header)
        if is_there(self.path, header):
            return None
        self._held.enter_context(converting(self.path))
        if is_there(self.path, header):  # by the process that this one waited for
            return None
        self._writer = writer_for(self.path, header)
        self._held.callback(self._writer.abandon)
        advance = partial(self._progress, "converting experts")
        layout, rows = self.shape.layout, self._writer.rows
        elsewhere = () if self._packed is None else tuple(self._packed.PARTS.values())
        self._filling = Filling(experts, layout, rows, advance, elsewhere)
        return self._filling

    def _read(self, config: Any, hook: OffloadConfig) -> Any:
        """Load the model; transformers is given tensors where it cannot read the files as they are."""
        if self._packed is not fp8:
            return self._checkpoint.read(config=config, quantization_config=hook)
        dtype = config.dtype if isinstance(config.dtype, torch.dtype) else torch.bfloat16
        tensors = fp8.dense_tensors(self._checkpoint.fetched(), dtype)
        return self._checkpoint.read_from(tensors, config, quantization_config=hook)


def _reader_of(config: Any) -> ModuleType | None:
    """Take the quantisation out of ``config``, and return what reads it; None: transformers does."""
    quantisation = getattr(config, "quantization_config", None)
    if quantisation is None:
        return None
    method = quantisation.get("quant_method") if isinstance(quantisation, dict) else quantisation.quant_method
    if method not in _READERS:
        raise NoExpertsHook(
            f"the checkpoint is quantised already ({method}); experts are read from bfloat16, float16, "
            "float32, MXFP4 or FP8: name a checkpoint in one of these"
        )
    del config.quantization_config
    return _READERS[method]


def header_for(model_name: str, experts: ExpertModules, options: OffloadOptions) -> Header:
    """Return what the store of ``model_name`` says of itself; hashes the files of a folder."""
    identity = identity_of(model_name, experts.commit, options.folder)
    return Header(identity, shape_for(experts, options))


def shape_for(experts: ExpertModules, options: OffloadOptions) -> StoreShape:
    """Return how many rows there are of which layout; raises NoExpertsHook where 4 bits do not fit."""
    return StoreShape(layout_for(experts, options), experts.layer_count, experts.expert_count)


def layout_for(experts: ExpertModules, options: OffloadOptions) -> RowLayout:
    """Return the layout of rows that ``options`` ask for; raises NoExpertsHook where 4 bits do not fit."""
    if options.weights == "exact":
        return RowLayout(experts.shape, "exact", experts.dtype)
    group = group_size_for(experts.shape, options.group_size)
    if group is None:
        raise NoExpertsHook(
            f"experts of {experts.shape.hidden_size} x {experts.shape.inner_size} do not divide into "
            "groups of 16 weights; set offload.weights to exact"
        )
    return RowLayout(experts.shape, "int4", experts.dtype, group)


def check_room(shape: StoreShape, options: OffloadOptions, device: str, top_k: int) -> None:
    """Raise TooLittleMemory where slots on ``device``, or pinned rows on the host, do not fit."""
    row = shape.layout.byte_count
    per_layer = slots_per_layer(shape, options.amount, top_k)
    slots = per_layer * shape.layer_count + PASSING_SLOT_COUNT
    free = available_byte_count(device)
    if free is not None and slots * row > free:
        fitting = (free // row - PASSING_SLOT_COUNT) // shape.layer_count
        advice = (
            f"offload.residency to at most {100 * fitting // shape.expert_count}%"
            if fitting > top_k
            else "offload.weights to int4, or take a smaller model"
        )
        raise TooLittleMemory(
            f"{per_layer} experts of each of {shape.layer_count} layers need {_gib(slots * row)} and "
            f"{device} has {_gib(free)} free; set {advice}"
        )
    host = available_byte_count("cpu")
    if options.store == "pinned" and device != "cpu" and host is not None and shape.byte_count > host:
        raise TooLittleMemory(
            f"pinned experts need {_gib(shape.byte_count)} and the host has {_gib(host)} free; set "
            "offload.store to ssd, or offload.weights to int4"
        )


def _at_work(tier: Tier, options: OffloadOptions, device: str, top_k: int) -> Experts:
    slots = slots_per_layer(tier.shape, options.amount, top_k)
    residency = Residency(slots, options.policy, options.little_below)
    obstacle = _obstacle(tier, options, device)
    if options.managed_by == "device" and obstacle is not None:
        raise CannotOffload(f"offload.managed_by is device, but {obstacle}; set it to auto or host")
    with torch.inference_mode(mode=False):
        if options.managed_by == "host" or obstacle is not None:
            return HostManagedExperts(tier, residency, device)
        # Imported where a GPU computes: Triton comes with torch for GPUs only.
        from backends.moe.device.managed import DeviceManagedExperts

        return DeviceManagedExperts(tier, residency, top_k, torch.device(device))


def _obstacle(tier: Tier, options: OffloadOptions, device: str) -> str | None:
    """What keeps a GPU from managing the experts by itself; None: nothing does."""
    if device == "cpu":
        return "the model computes on a processor"
    if tier.name != "pinned":
        return f"offload.store is {options.store}, and a GPU reads only pinned memory by itself"
    if options.weights != "int4":
        return f"offload.weights is {options.weights}, and its kernels compute with int4"
    if tier.shape.layout.dtype not in {torch.bfloat16, torch.float16}:
        return f"the model computes in {tier.shape.layout.dtype}, and its kernels in 16 bits"
    if options.policy == "least_stale":
        return "offload.policy is least_stale, and the device knows lru and lfu"
    return None


def _gib(byte_count: int) -> str:
    return f"{byte_count / 2**30:.2f} GiB"
