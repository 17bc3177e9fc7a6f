"""How a text encoder takes part in predictions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from router.config.section import Section


class EncoderConfig(Section):
    """A text encoder that reads the prompts whose words leave open how hard they are."""

    model: Annotated[str, Field(min_length=1)]
    """A folder, relative to the configuration, or a name on the hub: any encoder of transformers."""
    time_limit_ms: Annotated[float, Field(gt=0.0, le=10_000.0, allow_inf_nan=False)] = 8.0
    """How long a request waits for it; afterwards the prediction by words holds."""
    int8: bool = True
    """Whether it computes in eight bits where the processor can."""

    def below(self, directory: Path) -> EncoderConfig:
        """Return it with the folder that ``model`` names below ``directory``, where there is one."""
        folder = directory / Path(self.model).expanduser()
        return self.model_copy(update={"model": str(folder.resolve())}) if folder.is_dir() else self
