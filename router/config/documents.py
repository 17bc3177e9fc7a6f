"""What a configuration may say of documents: which engines read what, and how much is taken on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from router.config.objective import ObjectiveConfig
from router.config.section import Name, Section, Usd

ENGINES = ("parser", "columns", "table_model", "tesseract", "rapidocr")
"""What reads elements on this machine; tiers come beside them."""

ElementGroup = Literal["structured", "text", "table", "scan", "code", "formula", "form", "picture"]
Share = Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]


class ElementMatchConfig(Section):
    """Which elements a document policy is for; empty: all."""

    elements: tuple[ElementGroup, ...] = ()
    """Kinds of elements: tables, scans, and so on."""


class DocumentPolicyConfig(Section):
    """A way to decide who reads an element: a ladder of engines and tiers, and a rule."""

    name: Name
    """What the account calls it."""
    ladder: Annotated[tuple[Name, ...], Field(min_length=1, max_length=16)]
    """Engines (parser, columns, table_model, tesseract, rapidocr) and names of tiers, cheapest first."""
    objective: ObjectiveConfig
    """The rule that decides between them."""
    match: ElementMatchConfig = ElementMatchConfig()
    """Which elements it is for."""
    min_confidence: Share = 0.8
    """Confidence from which a reading counts as verified."""
    max_attempt_count: int = Field(default=3, ge=1, le=16)
    """Most engines that read one element."""


class DocumentsConfig(Section):
    """How documents are read."""

    policies: Annotated[tuple[DocumentPolicyConfig, ...], Field(max_length=64)] = ()
    """Ways to decide; the first that matches an element holds, and the usual ones come after these."""
    cpu_usd_per_hour: Usd = 0.04
    """What an hour of one core counts, for engines that compute here."""
    worker_count: int = Field(default=2, ge=1, le=256)
    """Processes that parse, and as many that read."""
    max_bytes: int = Field(default=200_000_000, ge=1)
    """Largest file that is taken."""
    max_pages: int = Field(default=5_000, ge=1, le=1_000_000)
    """Most pages of a document."""
    journal: Path | None = None
    """SQLite file of finished steps, relative to the configuration; it holds text of the documents. Null: a
    killed run begins anew."""
    roots: tuple[Path, ...] = ()
    """Directories, relative to the configuration, below which clients may name files by path; empty: they
    must send the files."""
