"""Who must leave the memory, for any models and any limit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.errors import Unavailable
from backends.llamacpp.worker.budget import Resident, those_to_leave

MIB = 2**20
RESIDENTS = st.lists(
    st.builds(Resident, st.uuids().map(str), st.integers(0, 1000), st.floats(0, 1e6)),
    unique_by=lambda resident: resident.model,
)


@given(RESIDENTS, st.integers(0, 1000), st.integers(1000, 5000))
def test_what_stays_and_what_comes_fit(residents: list[Resident], need: int, limit: int) -> None:
    """The limit holds afterwards."""
    leaving = those_to_leave(residents, need, limit)
    staying = [resident for resident in residents if resident.model not in leaving]
    assert sum(resident.byte_count for resident in staying) + need <= limit


@given(RESIDENTS, st.integers(0, 1000), st.integers(1000, 5000))
def test_nobody_leaves_without_need(residents: list[Resident], need: int, limit: int) -> None:
    """Without the last one to leave it would not have fitted, and nobody older stays."""
    leaving = those_to_leave(residents, need, limit)
    staying = [resident for resident in residents if resident.model not in leaving]
    if leaving:
        last = next(resident for resident in residents if resident.model == leaving[-1])
        assert sum(resident.byte_count for resident in [*staying, last]) + need > limit
        assert all(resident.used_s >= last.used_s for resident in staying)


def test_no_limit_lets_all_stay() -> None:
    """Unset, nothing is ever unloaded."""
    assert those_to_leave([Resident("a", 10**12, 0.0)], 10**12, None) == ()


def test_the_error_says_need_limit_and_holders() -> None:
    """Whoever reads it knows which number to change."""
    with pytest.raises(Unavailable, match=r"needs 3 MiB .* may use 2 MiB \(now: a 1 MiB\).*memory_limit_mib"):
        those_to_leave([Resident("a", MIB, 0.0)], 3 * MIB, 2 * MIB)
