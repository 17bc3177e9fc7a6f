"""What a model's layers may see of a text, by their kinds, and whether slots can hold them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from transformers.cache_utils import get_layer_types_and_kwargs

_FULL, _SLIDING = "full_attention", "sliding_attention"


@dataclass(frozen=True, slots=True)
class Layout:
    """The layers of a model: how many, and the ``windows`` of each kind by its name; None: they see all."""

    layer_count: int
    windows: dict[str, int | None]

    def masks(self, positions: torch.Tensor, length: int, dtype: torch.dtype) -> Any:
        """What tokens at ``positions`` (int64, (n_rows, n_tokens)) may see of ``length`` positions.

        Additive, (n_rows, 1, n_tokens, length); by the kind of layer where there are several, as
        transformers' models take them. Waits for nothing.
        """
        keys = torch.arange(length, device=positions.device)
        queries = positions[:, None, :, None]
        masks = {kind: _mask(queries, keys, window, dtype) for kind, window in self.windows.items()}
        return masks if len(masks) > 1 else next(iter(masks.values()))


def layout_of(config: Any) -> Layout | None:
    """Describe the model of ``config``; None where slots cannot hold what its layers keep.

    Such are those with a recurrent state, which cannot be cut back or read by rows.
    """
    kinds, details = get_layer_types_and_kwargs(config.get_text_config(decoder=True))
    if not set(kinds) <= {_FULL, _SLIDING}:
        return None
    windows = {
        kind: detail.get("sliding_window") if kind == _SLIDING else None
        for kind, detail in zip(kinds, details, strict=True)
    }
    return Layout(len(kinds), windows)


def _mask(queries: torch.Tensor, keys: torch.Tensor, window: int | None, dtype: torch.dtype) -> torch.Tensor:
    seen = keys <= queries
    if window is not None:
        seen &= keys > queries - window
    # The lowest number, not minus infinity: rows that see nothing would be no numbers.
    return torch.zeros((), dtype=dtype, device=keys.device).where(seen, torch.finfo(dtype).min)
