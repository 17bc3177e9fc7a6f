"""A real pipeline over real engines, shared by the tests of a module."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from router.documents.element import Page
from router.documents.limits import Limits
from router.documents.parse.kind import kind_of
from router.documents.parse.registry import splitter_for
from tests.router.documents.files import put

needs_tesseract = pytest.mark.skipif(
    shutil.which("tesseract") is None, reason="tesseract is not installed (apt install tesseract-ocr)"
)

Split = Callable[..., list[Page]]


@pytest.fixture
def split(tmp_path: Path) -> Split:
    """Write a file and split it in this process."""

    def split_here(name: str, data: bytes | str, limits: Limits | None = None) -> list[Page]:
        path = put(tmp_path, name, data)
        return list(splitter_for(kind_of(path)).split(path, limits or Limits()))

    return split_here
