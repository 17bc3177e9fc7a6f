"""A transformers model behind the backend seam."""

from __future__ import annotations

from pathlib import Path

from backends.engine import Engine
from backends.in_process import InProcessBackend
from backends.moe.options import MoeOptions
from backends.types import Capabilities


class MoeBackend(InProcessBackend):
    """Computes a causal language model, mixtures of experts first of all, with exact log-probabilities.

    A JSON Schema is not enforced while it generates.
    """

    Options = MoeOptions

    def __init__(self, options: MoeOptions) -> None:
        self.options = options
        capabilities = Capabilities(
            model=Path(options.model).name,
            context_token_count=options.context_token_count,
            max_output_token_count=options.max_output_token_count,
            logprobs=True,
        )
        super().__init__(self._open, capabilities, options.reasoning_tags)

    def _open(self) -> Engine:
        # Imported when a model is wanted: torch and transformers take seconds.
        from backends.moe.engine import load_engine

        return load_engine(self.options)
