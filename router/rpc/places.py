"""How many requests are answered at once, over all doors together.

Beyond the limit further ones are told to come back; gRPC's own limit cannot say so, and would turn health
checks away with them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from router.errors import QueueFull


class Places:
    """Room for ``count`` requests; None: for any number."""

    def __init__(self, count: int | None = None) -> None:
        self._count = count
        self._taken = 0

    @contextmanager
    def take(self) -> Iterator[None]:
        """Hold a place. Raises QueueFull where there is none."""
        if self._count is not None and self._taken >= self._count:
            raise QueueFull(f"{self._taken} calls are being answered, which is all there may be; try later")
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1
