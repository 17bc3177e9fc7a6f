"""A transformers checkpoint, and the one way in which it is read: safetensors, no code from the hub."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers import AutoConfig, AutoModelForCausalLM
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

    def folder(self) -> Path:
        """Return where its files are once it was read."""
        if Path(self.name).is_dir():
            return Path(self.name)
        return Path(
            cached_file(self.name, "config.json", revision=self.revision, local_files_only=True)
        ).parent
