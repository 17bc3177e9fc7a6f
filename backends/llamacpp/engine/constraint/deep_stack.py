"""Runs a recursive library where a deep input cannot end the process.

llguidance calls itself for every reference of a schema and every rule of a grammar; on a usual stack
of 8 MB some 600 of them in a row are a crash that no ``except`` can catch (measured).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

# Only reserved; what is not used takes no memory. Enough for 5,000 references in a row.
_STACK_BYTE_COUNT = 128 * 2**20


def on_deep_stack(work: Callable[[], T]) -> T:
    """Run ``work`` on a thread with a deep stack and return or raise what it does. Takes 0.1 ms."""
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:  # noqa: BLE001  raised again by the caller's thread
            errors.append(error)

    thread = threading.Thread(target=run, name="constraint", daemon=True)
    usual = threading.stack_size(_STACK_BYTE_COUNT)
    try:
        thread.start()
    finally:
        threading.stack_size(usual)
    thread.join()
    if errors:
        raise errors[0]
    return results[0]
