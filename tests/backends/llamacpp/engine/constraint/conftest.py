"""One speller for all tests of forms."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.backends.llamacpp.engine.constraint.spelling import Speller, speller


@pytest.fixture(scope="session")
def spell(tiny_gguf: Path) -> Iterator[Speller]:
    """Writes within forms in the tokens of the tiny model."""
    with speller(tiny_gguf) as opened:
        yield opened
