"""The seam between a file format and the elements of its pages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol, runtime_checkable

from router.documents.element import Page
from router.documents.limits import Limits


@runtime_checkable
class Splitter(Protocol):
    """Splits files of one kind. Runs in a process of its own, where it may crash or hang.

    ``split`` yields pages in order, as they become ready and without keeping them; equal files give equal
    pages. Raises :class:`router.documents.errors.DocumentRefused`, naming the page where one is at fault, and
    ``LibraryMissing``.
    """

    def split(self, path: Path, limits: Limits) -> Iterator[Page]:
        """Give the pages of the file at ``path``."""
        ...
