"""A transformers checkpoint, and the one way in which it is read: safetensors, no code from the hub."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import snapshot_download
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING
from transformers.utils.hub import cached_file


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """``name``: a folder, or a name on the hub. All methods raise what transformers raises."""

    name: str
    revision: str | None = None
    dtype: str = "auto"

    def config(self) -> Any:
        """Return its configuration."""
        return AutoConfig.from_pretrained(self.name, revision=self.revision, trust_remote_code=False)

    def read(self, **more: Any) -> Any:
        """Load the model; ``more`` goes to ``from_pretrained``."""
        return AutoModelForCausalLM.from_pretrained(
            self.name,
            revision=self.revision,
            dtype=self.dtype,
            use_safetensors=True,
            trust_remote_code=False,
            **more,
        )

    def read_from(self, tensors: dict[str, Any], config: Any, **more: Any) -> Any:
        """Make the model of ``config`` from ``tensors`` in place of its files; else as ``read``."""
        kind = MODEL_FOR_CAUSAL_LM_MAPPING[type(config)]
        return kind.from_pretrained(
            None, config=config, state_dict=tensors, dtype=self.dtype, trust_remote_code=False, **more
        )

    def fetched(self) -> Path:
        """Return where its files are; those of a name on the hub are downloaded, where they are not there."""
        if Path(self.name).is_dir():
            return Path(self.name)
        files = ["*.safetensors", "*.json"]
        return Path(snapshot_download(self.name, revision=self.revision, allow_patterns=files))

    def folder(self) -> Path:
        """Return where its files are once it was read."""
        if Path(self.name).is_dir():
            return Path(self.name)
        return Path(
            cached_file(self.name, "config.json", revision=self.revision, local_files_only=True)
        ).parent
