"""Records survive the way into the table and back."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.types import Message, Role, Usage
from router.events import AttemptReport, Outcome, ProbeReport, TierEstimate
from router.journal import Record
from router.journal.rows import from_row, to_row

_NUMBER = st.floats(allow_nan=False, allow_infinity=False)
_COUNT = st.integers(0, 2**53)
_TEXT = st.text(st.characters(codec="utf-8"))
_BY_NAME = st.dictionaries(_TEXT, _NUMBER, max_size=4)
_USAGE = st.builds(Usage, _COUNT, _COUNT)
_PROBE = st.builds(ProbeReport, _TEXT, _TEXT, _TEXT, _USAGE, _COUNT, _NUMBER)
_ATTEMPT = st.builds(
    AttemptReport,
    number=_COUNT,
    tier=_TEXT,
    outcome=st.sampled_from(Outcome),
    reason=_TEXT,
    confidence=st.none() | _NUMBER,
    signals=_BY_NAME,
    usage=_USAGE,
    cost_usd_micros=_COUNT,
    latency_s=_NUMBER,
    time_to_first_token_s=st.none() | _NUMBER,
    probes=st.lists(_PROBE, max_size=2).map(tuple),
)
_ESTIMATE = st.builds(TierEstimate, _TEXT, _NUMBER, _NUMBER, st.none() | _TEXT)
_MESSAGE = st.builds(Message, st.sampled_from(Role), _TEXT)
_RECORD = st.builds(
    Record,
    request_id=_TEXT,
    time_s=_NUMBER,
    tenant=_TEXT,
    tags=st.frozensets(_TEXT, max_size=3),
    policy=_TEXT,
    features=_BY_NAME,
    estimates=st.lists(_ESTIMATE, max_size=3).map(tuple),
    attempts=st.lists(_ATTEMPT, max_size=3).map(tuple),
    tier=st.none() | _TEXT,
    confidence=st.none() | _NUMBER,
    reason=st.none() | _TEXT,
    error_reason=st.none() | _TEXT,
    cost_usd_micros=_COUNT,
    latency_s=_NUMBER,
    messages=st.none() | st.lists(_MESSAGE, max_size=2).map(tuple),
    answer=st.none() | _TEXT,
)


@given(_RECORD)
def test_round_trip(record: Record) -> None:
    """Every record comes back equal."""
    assert from_row(to_row(record)) == record


def test_not_a_number_is_refused() -> None:
    """A value that JSON cannot hold is an error, not a silent null."""
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_row(Record("r", 0.0, features={"broken": math.nan}))


def test_features_hash_ignores_order() -> None:
    """Equal features have equal hashes."""
    one = Record("a", 0.0, features={"x": 1.0, "y": 2.0})
    two = Record("b", 9.0, features={"y": 2.0, "x": 1.0})
    assert one.features_hash == two.features_hash != Record("c", 0.0).features_hash
