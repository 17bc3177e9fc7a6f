"""How much of a document is taken on; what passes a limit is refused, never cut silently."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one document.

    ``expanded_bytes`` bounds what an archive (DOCX) may unpack to, ``expansion`` its ratio. ``pixels``
    bounds an image as it is decoded. ``page_time_s`` is the longest that a parser may be silent,
    ``element_count`` the most parts of a page, ``memory_bytes`` what a parser's process may take, and
    ``depth`` how deep lists and quotes may nest.
    """

    bytes: int = 200_000_000
    pages: int = 5_000
    expanded_bytes: int = 500_000_000
    expansion: float = 200.0
    pixels: int = 60_000_000
    page_time_s: float = 60.0
    element_count: int = 20_000
    memory_bytes: int = 4_000_000_000
    depth: int = 200
