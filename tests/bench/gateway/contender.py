"""A server that is compared: where it listens, what its processes have used, and how it is asked."""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TypeAlias
from urllib.error import URLError

from tests.bench.edge.process import Process

Ask: TypeAlias = Callable[[], Awaitable[object]]
Asking: TypeAlias = Callable[[str, bool], AbstractAsyncContextManager[Ask]]
"""Connect to an address; streams where the second says so."""


_START_TIMEOUT_S = 180.0


@dataclass(frozen=True, slots=True)
class Contender:
    """One that runs. ``on`` says what it does beside answering."""

    name: str
    on: str
    address: str
    process: Process
    asking: Asking


def answering(process: Process, url: str) -> None:
    """Wait until the server at ``url`` answers anything. Raises RuntimeError where it does not."""
    ends_s = time.monotonic() + _START_TIMEOUT_S
    while time.monotonic() < ends_s:
        process.check()
        try:
            with urllib.request.urlopen(url, timeout=2.0):
                return
        except (URLError, TimeoutError, ConnectionError):
            time.sleep(0.5)
    raise RuntimeError(f"{url} did not answer within {_START_TIMEOUT_S:g} s")
