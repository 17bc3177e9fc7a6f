"""The measurement of memory bandwidth, by what must hold for its number, not by its size."""

from __future__ import annotations

import pytest

from backends.read_bandwidth import read_bandwidth


@pytest.mark.parametrize("thread_count", [1, 2])
def test_any_memory_is_read_faster_than_a_disk(thread_count: int) -> None:
    """At least one whole pass is measured, however short the time."""
    assert read_bandwidth(thread_count, duration_s=0.001, byte_count=2**22) > 1e7
