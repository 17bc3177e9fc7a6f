"""What the configuration may say about experts that do not all lie on the computing device."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

_UNITS = {
    "": 1,
    "B": 1,
    "KIB": 1 << 10,
    "MIB": 1 << 20,
    "GIB": 1 << 30,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(%|[KMG]?i?B|)", re.IGNORECASE)


def amount_of(text: str | int) -> float | int:
    """Read a share ("25%" is 0.25, a float) or bytes ("6 GiB", an int); raises ValueError."""
    match = _SIZE.fullmatch(str(text).strip())
    number, unit = (float(match[1]), match[2].upper()) if match else (0.0, "")
    if number <= 0 or (unit == "%" and number > 100):
        raise ValueError(f"{text!r} is neither a share of the experts ('25%') nor a size ('6 GiB')")
    return number / 100 if unit == "%" else int(number * _UNITS[unit])


def _checked(text: str | int) -> str | int:
    amount_of(text)
    return text


class OffloadOptions(BaseModel):
    """Where experts lie, in which numbers, and how many of them stay at hand."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    residency: Annotated[str | int, AfterValidator(_checked)] = Field(
        default="25%",
        description="Experts that stay on the computing device: a share of all ('25%') or a size ('6 GiB').",
    )
    store: Literal["pinned", "pageable", "ssd"] = Field(
        default="pageable",
        description=(
            "Where the others lie. pinned: host memory that a GPU reads by itself, fastest; pageable: a "
            "mapped file, which the system keeps in memory as far as it can; ssd: read from disk each time."
        ),
    )
    weights: Literal["exact", "int4"] = Field(
        default="exact",
        description="exact: the checkpoint's own numbers; int4: 4 bits, about a quarter of the bytes.",
    )
    managed_by: Literal["auto", "host", "device"] = Field(
        default="auto",
        description=(
            "Who notices that an expert is missing and fetches it. device: the GPU itself, so that no step "
            "waits for the host (int4, pinned, a model in 16 bits); auto: the device where it can."
        ),
    )
    group_size: Literal[16, 32, 64, 128] = Field(
        default=64, description="Weights that share a scale (int4); less is more exact and larger."
    )
    policy: Literal["lru", "lfu", "least_stale"] = Field(
        default="lru",
        description="Who leaves when room is wanted: least recently or least often used, or first in.",
    )
    little_below: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description=(
            "A missing expert whose share of a token's gates is below this is computed in 2 bits, from half "
            "the bytes (int4 only); unset: never. The share so computed is reported with each answer."
        ),
    )
    cache_dir: Path | None = Field(
        default=None, description="Folder of converted experts; unset: ~/.cache/upshift/moe."
    )

    @property
    def amount(self) -> float | int:
        """The residency as a share (float) or bytes (int)."""
        return amount_of(self.residency)

    @property
    def folder(self) -> Path:
        """Folder of converted experts."""
        return (self.cache_dir or Path("~/.cache/upshift/moe")).expanduser()
