"""What each method answers, over a real socket."""

from __future__ import annotations

import pytest

from router.events import AttemptRejected, AttemptStarted, Decided, EnergySource, EnergyUse, TextDelta
from router.rpc.client import Answer, UpshiftError
from tests.router.rpc.conftest import Serve
from tests.router.rpc.scripted_router import CERTIFICATE, DECIDED, REPORT, WITHDRAWN, escalate, stall


async def test_generate_gives_the_streams_result(serve: Serve) -> None:
    """The unary call is a fold over the same events."""
    answer = await (await serve(escalate)).client.generate("hi")
    assert (answer.text, answer.confidence, answer.attempts) == ("right", 0.9, (REPORT,))


async def test_a_stream_begins_with_the_decision_and_ends_with_the_result(serve: Serve) -> None:
    """Exactly one of each, in their places, and the result is complete in itself."""
    events = [event async for event in (await serve()).client.stream("hello")]
    assert isinstance(events[0], Decided)
    assert [isinstance(event, Answer) for event in events] == [False] * (len(events) - 1) + [True]
    assert isinstance(events[-1], Answer)
    assert events[-1].text == "hello"


async def test_a_rejected_attempt_is_told_between_its_text_and_the_next(serve: Serve) -> None:
    """Every delta belongs to an attempt, and a rejection voids just that attempt's."""
    events = [event async for event in (await serve(escalate)).client.stream("hi", allow_retraction=True)]
    assert events[:-1] == [
        DECIDED,
        AttemptStarted(1, "edge", "cheapest"),
        TextDelta(1, "wrong"),
        AttemptRejected(1, "low_confidence", 0.25),
        AttemptStarted(2, "frontier", "escalated"),
        TextDelta(2, "right"),
    ]


async def test_events_go_out_as_they_come(serve: Serve) -> None:
    """A stream does not wait for its end."""
    served = await serve(stall)
    stream = served.client.stream("hi")
    assert await anext(stream) == DECIDED
    assert await anext(stream) == AttemptStarted(1, "edge", "cheapest")
    served.router.gate.set()
    assert isinstance(await anext(stream), Answer)
    await stream.aclose()


async def test_decide_says_what_would_be_tried(serve: Serve) -> None:
    """The decision comes back, and the router was asked with the same constraints."""
    served = await serve()
    assert await served.client.decide("hi", tiers=["edge"]) == DECIDED
    assert served.router.requests[0].constraints.allowed_tiers == {"edge"}


@pytest.mark.parametrize("page_size", [0, 1, 2, 1000])
async def test_pages_of_tiers_join_to_the_whole(serve: Serve, page_size: int) -> None:
    """Whatever the page size, every tier comes once and in order."""
    served = await serve()
    assert await served.client.list_tiers(page_size=page_size) == served.router.tiers()


async def test_feedback_says_whether_it_replaced(serve: Serve) -> None:
    """A second score of a source replaces the first."""
    client = (await serve()).client
    assert await client.submit_feedback("known", 1.0) is False
    assert await client.submit_feedback("known", 0.0, source="again") is True


async def test_feedback_for_an_unknown_request_is_not_found(serve: Serve) -> None:
    """The error says which request."""
    with pytest.raises(UpshiftError) as caught:
        await (await serve()).client.submit_feedback("other", 1.0)
    assert (caught.value.reason, caught.value.metadata) == ("REQUEST_UNKNOWN", {"request_id": "other"})


async def test_an_answer_names_the_certificate_that_covers_it(serve: Serve) -> None:
    """Who must account for quality finds the promise behind every answer."""
    answer = await (await serve()).client.generate("hi")
    assert answer.certificate_id == "c1"


async def test_an_answer_tells_its_energy_and_where_the_figure_comes_from(serve: Serve) -> None:
    """The sum beside each attempt's."""
    answer = await (await serve()).client.generate("hi")
    assert answer.energy == EnergyUse(1.5, EnergySource.MIXED)
    assert answer.attempts[0].energy == EnergyUse(1.5, EnergySource.MEASURED, 0.25)


async def test_certificates_are_listed_as_they_stand(serve: Serve) -> None:
    """All of them, whatever the page of tiers, with state and reason unchanged by the way."""
    assert await (await serve()).client.list_certificates() == (CERTIFICATE, WITHDRAWN)
