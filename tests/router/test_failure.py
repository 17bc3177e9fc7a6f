"""Which error a request without an answer ends in."""

from __future__ import annotations

import pytest

from router import errors
from router.failure import failure


@pytest.mark.parametrize(
    ("reasons", "expected"),
    [
        ({"a": "unavailable", "b": "refused"}, errors.NoTierReady),
        ({"a": "overloaded", "b": "not_allowed"}, errors.QueueFull),
        ({"a": "overloaded", "b": "unavailable"}, errors.NoTierReady),
        ({"a": "not_ready"}, errors.NoTierReady),
        ({"a": "timed_out"}, errors.DeadlineExceeded),
        ({"a": "refused", "b": "not_allowed"}, errors.RequestRefused),
        ({"a": "over_budget", "b": "not_allowed"}, errors.BudgetExhausted),
        ({"a": "no_attempts_left"}, errors.BudgetExhausted),
        ({"a": "context_too_long", "b": "external"}, errors.ContextTooLong),
        ({"a": "not_allowed", "b": "external"}, errors.NoTierAllowed),
        ({"a": "passed_over"}, errors.NoTierAllowed),
    ],
)
def test_the_reason_that_helps_most_is_told(
    reasons: dict[str, str], expected: type[errors.RoutingError]
) -> None:
    """What passes by itself is told before what the caller must mend."""
    assert type(failure(reasons, has_time=True)) is expected


def test_a_deadline_overrides_every_reason() -> None:
    """Once the time is up, the deadline is the error."""
    assert isinstance(failure({"a": "unavailable"}, has_time=False), errors.DeadlineExceeded)


def test_the_message_names_every_tier() -> None:
    """The message says of each tier why it did not answer."""
    assert "edge: external; local: not_allowed" in str(
        failure({"edge": "external", "local": "not_allowed"}, has_time=True)
    )
