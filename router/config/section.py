"""What all sections of the file share: strictness, and the types of names, money and time."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
Label = Annotated[str, StringConstraints(min_length=1, max_length=128)]
Listen = Annotated[str, StringConstraints(pattern=r"^(unix:.+|[^\s/]+:\d{1,5})$")]
Usd = Annotated[float, Field(ge=0.0, le=1e6, allow_inf_nan=False)]
Seconds = Annotated[float, Field(gt=0.0, le=86_400.0, allow_inf_nan=False)]


class Section(BaseModel):
    """A mapping of the file: unknown keys are refused, and nothing changes once it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
