"""Errors become statuses: each its own code, all with details that fit."""

from __future__ import annotations

import grpc
import pytest
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status
from hypothesis import given
from hypothesis import strategies as st

from router.errors import BudgetExhausted, InvalidRequest, NoTierReady, QueueFull, RoutingError, Violation
from router.rpc.status import CODES, clip, wire_status


def subclasses(parent: type[RoutingError]) -> set[type[RoutingError]]:
    found = set(parent.__subclasses__())
    return found | {grandchild for child in found for grandchild in subclasses(child)}


def details(error: BaseException) -> Status:
    return Status.FromString(wire_status(error).details)


def test_every_routing_error_is_in_the_table() -> None:
    """A new error has to say its code."""
    assert {kind for kind in subclasses(RoutingError) if kind.__module__ == "router.errors"} == set(CODES)


def test_an_error_carries_its_reason_domain_and_metadata() -> None:
    """ErrorInfo is always the first detail."""
    status = details(BudgetExhausted("too dear", metadata={"edge": "over_budget"}))
    info = ErrorInfo()
    assert status.details[0].Unpack(info)
    assert (status.code, status.message) == (grpc.StatusCode.RESOURCE_EXHAUSTED.value[0], "too dear")
    assert (info.reason, info.domain, dict(info.metadata)) == (
        "BUDGET_EXHAUSTED",
        "upshift",
        {"edge": "over_budget"},
    )


@pytest.mark.parametrize("error", [kind("no", retry_after_s=1.5) for kind in (QueueFull, NoTierReady)])
def test_passing_trouble_says_when_to_come_back(error: RoutingError) -> None:
    """RetryInfo is there where waiting helps."""
    retry = RetryInfo()
    assert details(error).details[1].Unpack(retry)
    assert retry.retry_delay.ToMilliseconds() == 1500


def test_faulty_fields_are_listed() -> None:
    """BadRequest has each violation's path, reason and sentence."""
    bad = BadRequest()
    assert (
        details(InvalidRequest((Violation("tags[0]", "TAG_LENGTH_INVALID", "is long"),)))
        .details[1]
        .Unpack(bad)
    )
    found = bad.field_violations[0]
    assert (found.field, found.reason, found.description) == ("tags[0]", "TAG_LENGTH_INVALID", "is long")


@pytest.mark.parametrize("error", [ValueError("secret"), RoutingError("secret"), KeyError("secret")])
def test_an_unforeseen_error_says_nothing_of_itself(error: Exception) -> None:
    """What is not in the table is INTERNAL under a fixed text."""
    status = wire_status(error)
    assert status.code is grpc.StatusCode.INTERNAL
    assert "secret" not in status.message
    assert b"secret" not in status.details


@given(st.lists(st.text(max_size=600), min_size=1, max_size=100), st.dictionaries(st.text(), st.text()))
def test_a_status_fits_into_trailers(texts: list[str], metadata: dict[str, str]) -> None:
    """However much there is to say, details stay under 4 KiB and the message under 400 bytes."""
    invalid = InvalidRequest(tuple(Violation(text, "REASON", text) for text in texts))
    for error in (invalid, NoTierReady("".join(texts), metadata=metadata)):
        status = wire_status(error)
        assert len(status.details) < 4096
        assert len(status.message.encode()) <= 400


def test_violations_that_do_not_fit_are_counted() -> None:
    """A caller sees that there are more."""
    status = details(InvalidRequest((Violation("f", "R", "x" * 400),) * 50))
    info, bad = ErrorInfo(), BadRequest()
    assert status.details[0].Unpack(info)
    assert status.details[1].Unpack(bad)
    assert info.metadata["violation_count"] == "50"
    assert 0 < len(bad.field_violations) < 50


@given(st.text(), st.integers(3, 50))
def test_clipped_text_is_valid_and_short_enough(text: str, byte_count: int) -> None:
    """Text is cut between characters."""
    clipped = clip(text, byte_count)
    assert len(clipped.encode()) <= byte_count
    assert clipped == text or clipped.endswith("…")
