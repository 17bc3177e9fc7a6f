"""What the user of ``upshift document`` asks for."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from router.cli.access import Access


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user asks for."""

    form: str = "md"
    into: Path | None = None
    journal: Path | None = None
    max_cost_usd: float | None = None
    timeout_s: float | None = None
    worker_count: int | None = None
    max_pages: int | None = None
    as_json: bool = False
    config: Path | None = None
    schema: dict[str, Any] | None = None
    question: str | None = None
    server: str | None = None
    access: Access = field(default_factory=Access)
