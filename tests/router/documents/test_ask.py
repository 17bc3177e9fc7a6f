"""Fields and answers, grounded in a document."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from backends.types import Role
from router.documents.ask.answer import ask
from router.documents.ask.dates import read_date
from router.documents.ask.extract import Found, extract
from router.documents.ask.grounding import located
from router.documents.ask.passages import passages_of, ranked
from router.documents.assemble import open_pipeline
from router.documents.outcome import Document, Verdict
from router.documents.pipeline import Job
from router.errors import InvalidRequest
from tests.router.conftest import House, echo_tier
from tests.router.documents.files import put

INVOICE = """# Invoice

Acme Ltd, 1 River Street

Invoice number: A-4711

Date: 2024-03-15

| Item | Price |
|---|---|
| Boat | 1,200.00 |
| Oars | 50.50 |

Subtotal: 1,250.50

Total: 1,500.60

Thank you. The ferry leaves at noon.
"""
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "invoice_number": {"type": "string"},
        "date": {"type": "string", "format": "date"},
        "total": {"type": "number"},
        "iban": {"type": "string"},
    },
}


async def _document(directory: Path, text: str = INVOICE) -> Document:
    async with open_pipeline() as pipeline:
        return (await pipeline.document(Job(put(directory, "a.md", text)))).document


def _values(found: tuple[Found, ...]) -> dict[str, Any]:
    return {one.field.name: one.value for one in found}


async def test_fields_are_found_by_their_labels(tmp_path: Path) -> None:
    """Without any tier: values by the words of their names, typed, verified, shown where they stand."""
    document = await _document(tmp_path)
    found = await extract(document, SCHEMA, None)
    assert _values(found) == {"invoice_number": "A-4711", "date": "2024-03-15", "total": 1500.6, "iban": None}
    for one in found[:3]:
        assert one.verdict is Verdict.VERIFIED
        assert one.span is not None
        outcome = next(o for o in document.outcomes if o.element.id == one.span.element)
        assert outcome.text[one.span.start : one.span.end] == one.span.quote
    assert found[3].verdict is Verdict.UNVERIFIED


async def test_doubtful_fields_go_to_the_tiers(tmp_path: Path) -> None:
    """What the labels do not tell is asked for, one field at a time, and taken where the quote holds it."""
    document = await _document(tmp_path)
    reply = json.dumps({"quote": "The ferry leaves at noon.", "value": "noon"})
    house = House([echo_tier("edge", reply=reply, price=1_000_000)])
    schema = {"type": "object", "properties": {"total": {"type": "number"}, "departure": {"type": "string"}}}
    total, departure = await extract(document, schema, house.router())
    assert (total.engine, departure.engine, departure.value) == ("patterns", "tiers", "noon")
    assert departure.verdict is Verdict.VERIFIED
    assert departure.cost_usd_micros > 0
    assert len(house.journal.entries) == 1


async def test_what_a_tier_makes_up_is_not_taken(tmp_path: Path) -> None:
    """A quote that is not in the document, or a value that is not in its quote, is no evidence."""
    document = await _document(tmp_path)
    schema = {"type": "object", "properties": {"departure": {"type": "string"}}}
    for reply in (
        {"quote": "It leaves at midnight.", "value": "midnight"},
        {"quote": "Thank you.", "value": "noon"},
    ):
        house = House([echo_tier("edge", reply=json.dumps(reply))])
        (found,) = await extract(document, schema, house.router())
        assert (found.value, found.verdict) == (None, Verdict.UNVERIFIED)


async def test_rival_values_are_in_doubt(tmp_path: Path) -> None:
    """Two labels with different values leave the field unverified."""
    document = await _document(tmp_path, "Total: 5.00\n\nTotal: 7.00\n")
    (found,) = await extract(document, {"properties": {"total": {"type": "number"}}}, None)
    assert found.verdict is Verdict.UNVERIFIED


async def test_schemas_without_fields_are_refused(tmp_path: Path) -> None:
    """A schema must name properties."""
    with pytest.raises(InvalidRequest, match="properties"):
        await extract(await _document(tmp_path), {"type": "string"}, None)


async def test_answers_rest_on_quotes(tmp_path: Path) -> None:
    """Quotes that stand in the document are evidence; others are named as made up."""
    document = await _document(tmp_path)
    for quotes, verdict in ((["ferry  leaves at NOON"], Verdict.VERIFIED), (["at dawn"], Verdict.UNVERIFIED)):
        reply = json.dumps({"answer": "At noon.", "quotes": quotes})
        answer = await ask(document, "When does it leave?", House([echo_tier("edge", reply=reply)]).router())
        assert (answer.text, answer.verdict, answer.round_count) == ("At noon.", verdict, 1)
        assert answer.read_count == answer.passage_count


async def test_long_documents_are_gathered_first(tmp_path: Path) -> None:
    """What does not fit is read piece by piece, all of it, and the quotes are read again."""
    filler = "\n\n".join(f"Paragraph {n} says nothing of any ferry at all, only words." for n in range(600))
    document = await _document(tmp_path, f"{filler}\n\nThe ferry leaves at noon.\n")
    reply = json.dumps({"answer": "noon", "quotes": ["The ferry leaves at noon."]})
    house = House([echo_tier("edge", reply=reply)])
    answer = await ask(document, "When does the ferry leave?", house.router())
    pieces = [
        message.content
        for entry in house.journal.entries
        for message in entry.request.prompt.messages
        if message.role is Role.USER
    ]
    assert answer.round_count == 2
    assert answer.verdict is Verdict.VERIFIED
    assert all(any(f"Paragraph {n} " in piece for piece in pieces) for n in range(600))


async def test_pieces_that_no_tier_reads_are_told(tmp_path: Path) -> None:
    """A tier that answers in no form does not stand for "nothing there": the answer is not verified."""
    document = await _document(tmp_path, "The ferry leaves at noon.\n\n" + "Only words here.\n\n" * 1500)
    answer = await ask(document, "When?", House([echo_tier("edge", reply="Sorry.")]).router())
    assert answer.unread_count > 1
    assert answer.verdict is Verdict.UNVERIFIED


async def test_quotes_are_found_across_spaces_and_lines(tmp_path: Path) -> None:
    """A quote is the same whatever its spaces and capitals."""
    passages = passages_of(await _document(tmp_path))
    span = located("THE  ferry\nleaves", passages)
    assert span is not None
    assert span.quote == "The ferry leaves"
    assert located("the ferry stays", passages) is None


async def test_passages_are_ranked_by_rare_words(tmp_path: Path) -> None:
    """What shares rare words with the question comes first."""
    passages = passages_of(await _document(tmp_path))
    assert "ferry" in ranked(passages, "when does the ferry leave")[0].text


@pytest.mark.parametrize(
    ("text", "day", "ambiguous"),
    [
        ("2024-03-15", "2024-03-15", False),
        ("15/03/2024", "2024-03-15", False),
        ("03/15/2024", "2024-03-15", False),
        ("03.04.24", "2024-04-03", True),
        ("15 March 2024", "2024-03-15", False),
        ("March 15th, 2024", "2024-03-15", False),
        ("3. Mai 2024", "2024-05-03", False),
    ],
)
def test_dates_are_read_as_written(text: str, day: str, ambiguous: bool) -> None:
    """The usual ways to write a date, and whether day and month could change places."""
    written = read_date(f"on {text}.")
    assert written is not None
    assert (written.day.isoformat(), written.is_ambiguous) == (day, ambiguous)


@pytest.mark.parametrize("text", ["31/02/2024", "version 1.2.3", "12345", ""])
def test_what_is_no_date(text: str) -> None:
    """Days that do not exist, and numbers that are none."""
    assert read_date(text) is None
