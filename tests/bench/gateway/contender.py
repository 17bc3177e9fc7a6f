"""A server that is compared: where it listens, what its processes have used, and how it is asked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TypeAlias

from tests.bench.edge.process import Process

Ask: TypeAlias = Callable[[], Awaitable[object]]
Asking: TypeAlias = Callable[[str, bool], AbstractAsyncContextManager[Ask]]
"""Connect to an address; streams where the second says so."""


@dataclass(frozen=True, slots=True)
class Contender:
    """One that runs. ``on`` says what it does beside answering."""

    name: str
    on: str
    address: str
    process: Process
    asking: Asking
