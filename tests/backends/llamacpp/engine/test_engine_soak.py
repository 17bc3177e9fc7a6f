"""Many requests of all kinds, one after the other and together."""

from __future__ import annotations

from collections.abc import Callable

from backends.llamacpp.engine.engine import Engine
from tests.backends.llamacpp.engine.soak import soak


def test_memory_stays_flat(opened: Callable[..., Engine]) -> None:
    """After 2,000 requests every one has ended in one way, nothing is left over, and memory has not grown."""
    engine = opened(prefix_cache_mib=4)
    outcome = soak(engine, 2000)
    assert outcome.ends.total() == 2000
    assert outcome.ends["completed"] > 1000
    assert outcome.ends.keys() <= {"completed", "cancelled", "timed_out"}
    assert engine.load().running_count == engine.load().waiting_count == 0
    # 10,000 requests would add less than 10 MB.
    assert outcome.slope < 1000
