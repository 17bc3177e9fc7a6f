"""A GGUF model behind the backend seam."""

from __future__ import annotations

from backends.engine import Engine
from backends.in_process import InProcessBackend
from backends.llamacpp.model_file import find_model, model_name
from backends.llamacpp.options import LlamaCppOptions
from backends.llamacpp.selftest import may_use_extra_buffers
from backends.types import Capabilities


class LlamaCppBackend(InProcessBackend):
    """Computes a quantised model with llama.cpp, with exact log-probabilities and JSON Schema enforced."""

    Options = LlamaCppOptions

    def __init__(self, options: LlamaCppOptions) -> None:
        self.options = options
        capabilities = Capabilities(
            model=model_name(options.model),
            context_token_count=options.context_token_count,
            max_output_token_count=options.max_output_token_count,
            logprobs=True,
            json_schema=True,
        )
        super().__init__(self._open, capabilities, options.reasoning_tags)

    def _open(self) -> Engine:
        # Imported when a model is wanted, so that checking a configuration costs no library.
        from backends.llamacpp.engine import LlamaCppEngine
        from backends.llamacpp.native import open_model

        path = find_model(self.options.model)
        extra_buffers = self.options.extra_buffers and may_use_extra_buffers(path)
        return LlamaCppEngine(
            open_model(path, self.options, extra_buffers=extra_buffers), self.options.batch_token_count
        )
