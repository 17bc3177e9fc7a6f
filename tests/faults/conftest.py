"""Every test here must leave no task, no socket and no thread behind."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.backends.leaks import nothing_left


@pytest.fixture(autouse=True)
async def _leaves_nothing() -> AsyncIterator[None]:
    async with nothing_left():
        yield
