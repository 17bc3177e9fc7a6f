"""W3C trace context."""

from __future__ import annotations

import pytest

from router.traceparent import Span, trace_id_of

HEADER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_a_header_reads_and_writes() -> None:
    """Flags that are not known are dropped."""
    span = Span.parse(HEADER)
    assert span is not None
    assert str(span) == HEADER
    assert str(Span.parse(HEADER[:-2] + "03")) == HEADER


@pytest.mark.parametrize(
    "header",
    ["", "00-ab-cd-01", HEADER.replace("00-", "01-"), HEADER.upper(), f"00-{'0' * 32}-{'1' * 16}-01"],
)
def test_what_is_no_header_is_none(header: str) -> None:
    """A trace begins anew."""
    assert Span.parse(header) is None


def test_attempts_have_spans_of_their_own() -> None:
    """The same each time, and none the request's."""
    span = Span.root(is_sampled=True)
    ids = {span.span_id, *(span.attempt(number).span_id for number in (1, 2, 3))}
    assert len(ids) == 4
    assert span.attempt(1) == span.attempt(1)
    assert trace_id_of(str(span.attempt(1))) == span.trace_id
