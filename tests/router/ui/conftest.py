"""Houses with pages, open and locked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.router.ui.house import House, housed


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """Pages that ask nobody for a key."""
    async with housed(tmp_path) as found:
        yield found


@pytest.fixture
async def locked(tmp_path: Path) -> AsyncIterator[House]:
    """Pages behind an admin key; nobody is logged in."""
    async with housed(tmp_path, with_keys=True) as found:
        yield found
