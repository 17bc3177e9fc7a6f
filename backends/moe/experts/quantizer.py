"""Experts on their way from a checkpoint into rows, by transformers' quantiser hook.

The hook comes after names were mapped, so every naming that transformers reads works. Experts that
lie one by one in the checkpoint are never fused (:mod:`backends.moe.experts.unfused`); fused ones
exist a layer at a time until they are packed. In the model the parameter stays on the meta device,
and is then taken out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from transformers.core_model_loading import ConversionOps
from transformers.quantizers import HfQuantizer, register_quantization_config, register_quantizer
from transformers.utils.quantization_config import QuantizationConfigMixin

from backends.moe.errors import CannotOffload
from backends.moe.experts.filling import Filling
from backends.moe.experts.modules import (
    PARTS,
    ExpertModules,
    drop_weights,
    find_experts,
    part_of,
)
from backends.moe.experts.unfused import OneByOne, unfused
from backends.moe.memory import give_back_freed

METHOD = "upshift_offload"


Prepare = Callable[[ExpertModules], Filling | None]


@register_quantization_config(METHOD)
class OffloadConfig(QuantizationConfigMixin):  # type: ignore[misc]
    """What ``from_pretrained`` is given so that experts go into rows.

    ``prepare`` is called once the model's skeleton stands; it returns where rows go, or None where
    they are there already, and then no expert is read from the checkpoint.
    """

    def __init__(self, prepare: Prepare) -> None:
        self.quant_method = METHOD
        self.prepare = prepare

    def to_dict(self) -> dict[str, Any]:
        """Return what goes into the model's config; files and memory stay out of it."""
        return {"quant_method": METHOD}

    def __deepcopy__(self, memo: dict[int, Any]) -> OffloadConfig:
        return self


@register_quantizer(METHOD)
class OffloadQuantizer(HfQuantizer):  # type: ignore[misc]
    """Leads fused experts past the model."""

    def __init__(self, quantization_config: OffloadConfig, **kwargs: Any) -> None:
        super().__init__(quantization_config, **kwargs)
        self._prepare = quantization_config.prepare
        self._filling: Filling | None = None
        self._experts: ExpertModules | None = None
        self._failure: Exception | None = None

    def param_needs_quantization(self, model: Any, param_name: str, **kwargs: Any) -> bool:  # noqa: ARG002
        """Whether a parameter belongs to experts."""
        found = part_of(param_name)
        return found is not None and self._experts is not None and found[0] in self._experts.modules

    def get_quantize_ops(self) -> ConversionOps:
        """Return what takes a fused tensor and gives nothing back."""
        return _IntoRows(self)

    def update_weight_conversions(self, weight_conversions: list[Any], *rest: Any) -> list[Any]:
        """Let experts that come one by one stay so; versions of transformers differ in ``rest``."""
        conversions = super().update_weight_conversions(weight_conversions, *rest)
        return [unfused(conversion) for conversion in conversions]

    def take(self, name: str, values: torch.Tensor | OneByOne) -> None:
        """Pack a tensor; the first failure is kept, since transformers would only log it."""
        if self._failure is None and self._filling is not None:
            give_back_freed()
            try:
                self._filling.add(name, values)
            except (CannotOffload, RuntimeError, OSError) as exc:
                self._failure = exc

    def _process_model_before_weight_loading(self, model: Any, **kwargs: Any) -> None:  # noqa: ARG002
        self._experts = find_experts(model)
        self._filling = self._prepare(self._experts)
        for module in self._experts.modules.values():
            # Else transformers draws random weights for parameters that are not there.
            module._is_hf_initialized = True  # type: ignore[assignment]
        skipped = PARTS if self._filling is None else self._elsewhere()
        for module in self._experts.modules.values():
            drop_weights(module, skipped)
        # What is not in the model is not read; nor need anybody be warned of it.
        ignored = set(model._keys_to_ignore_on_load_unexpected or ())
        names = "|".join(PARTS)
        model._keys_to_ignore_on_load_unexpected = ignored | {rf"\.experts\.({names})(_blocks|_scales)?$"}

    def _process_model_after_weight_loading(self, model: Any, **kwargs: Any) -> None:  # noqa: ARG002
        if self._failure is not None:
            raise self._failure
        assert self._experts is not None
        for module in self._experts.modules.values():
            drop_weights(module, PARTS)

    def _elsewhere(self) -> list[str]:
        assert self._filling is not None
        return [name for name, part in PARTS.items() if part in self._filling.elsewhere]

    @property
    def is_compileable(self) -> bool:
        """Whether the model may be compiled: nothing of it is odd but the experts function."""
        return True

    def is_serializable(self, **kwargs: Any) -> bool:  # noqa: ARG002
        """Whether the model may be saved: its experts are not in it."""
        return False

    @property
    def is_trainable(self) -> bool:
        """Whether it may be trained: rows are read only."""
        return False


class _IntoRows(ConversionOps):  # type: ignore[misc]
    """Takes what ``from_pretrained`` has read and fused."""

    def __init__(self, quantizer: OffloadQuantizer) -> None:
        self._quantizer = quantizer

    def convert(
        self,
        input_dict: dict[str, Any],
        *,
        missing_keys: set[str] | None = None,
        **kwargs: Any,  # noqa: ARG002
    ) -> dict[str, Any]:
        """Pack the experts among the tensors; return the others."""
        others = {}
        for name in list(input_dict):
            values = input_dict.pop(name)
            if not self._quantizer.param_needs_quantization(None, name):
                others[name] = values
                continue
            self._quantizer.take(name, values[0] if isinstance(values, list) else values)
            if missing_keys is not None:
                missing_keys.discard(name)
        return others
