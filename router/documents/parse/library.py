"""Importing what an extra brings, or saying which extra it is."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from router.documents.errors import LibraryMissing


def library(name: str, extra: str, adds: str) -> Any:
    """Import ``name``, which the extra brings. Raises LibraryMissing, which says what it would add."""
    try:
        return import_module(name)
    except ImportError as exc:
        root = name.partition(".")[0]
        if exc.name is not None and exc.name.partition(".")[0] != root:
            raise LibraryMissing(f"{root} cannot be loaded: {exc}") from exc
        raise LibraryMissing(f"{root} is not installed: pip install 'upshift[{extra}]' adds {adds}") from exc
