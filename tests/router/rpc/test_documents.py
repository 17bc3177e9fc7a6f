"""Documents over gRPC, on the real server."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from upshift.v1 import documents_pb2, documents_pb2_grpc

from router.config import ServerConfig
from router.config.documents import DocumentsConfig
from router.rpc.client import UpshiftError
from router.rpc.client.documents import DocumentClient
from router.rpc.names import DETAILS_KEY
from router.rpc.server import RouterServer
from tests.router.conftest import House, echo_tier
from tests.router.documents.files import Sheet, pdf, prose, put, table
from tests.router.documents.test_parse_pdf import ROWS
from tests.router.rpc.scripted_router import ScriptedRouter

DATA = pdf([Sheet((*prose(2), *table(ROWS))), Sheet(prose(3))])


@asynccontextmanager
async def _served(**documents: Any) -> AsyncIterator[documents_pb2_grpc.DocumentServiceAsyncStub]:
    settings = ServerConfig(listen="127.0.0.1:0")
    config = DocumentsConfig.model_validate(documents)
    async with (
        RouterServer(settings, ScriptedRouter(), documents=config) as server,
        grpc.aio.insecure_channel(await server.start()) as channel,
    ):
        yield documents_pb2_grpc.DocumentServiceStub(channel)


def _sent(data: bytes, *, size: int = 1000, **head: Any) -> Iterator[documents_pb2.ParseDocumentRequest]:
    yield documents_pb2.ParseDocumentRequest(head=documents_pb2.DocumentHead(**head))
    for start in range(0, len(data), size):
        yield documents_pb2.ParseDocumentRequest(chunk=data[start : start + size])


async def _events(call: Any) -> list[documents_pb2.DocumentEvent]:
    return [response.event async for response in call]


async def test_a_document_sent_in_pieces_is_read() -> None:
    """Plan, elements, pages and summary come in order; the summary has the account and the Markdown."""
    async with _served() as stub:
        events = await _events(stub.ParseDocument(_sent(DATA, name="a.pdf")))
    kinds = [event.WhichOneof("event") for event in events]
    assert (kinds[0], kinds[-1], kinds.count("page_done")) == ("plan", "summary", 2)
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    assert events[0].plan.page_count == 2
    assert "| Apples | 3 | 1.20 |" in events[-1].summary.markdown
    assert events[-1].summary.cost_usd_micros > 0


async def test_resume_goes_on_behind_an_event(tmp_path: Path) -> None:
    """Who lost the stream gets the rest, the same as it would have been, also from another server."""
    journal = tmp_path / "steps.sqlite"
    async with _served(journal=journal) as stub:
        whole = await _events(stub.ParseDocument(_sent(DATA, name="a.pdf")))
    asked = documents_pb2.ResumeDocumentRequest(document_id=whole[0].plan.document_id, after_sequence=3)
    async with _served(journal=journal) as stub:
        rest = await _events(stub.ResumeDocument(asked))
    assert rest[:-1] == whole[3:-1]
    assert rest[-1].summary.markdown == whole[-1].summary.markdown


async def test_paths_are_taken_below_the_roots_only(tmp_path: Path) -> None:
    """A file beside the root, or behind a link that leads out of it, is not read."""
    root = tmp_path / "root"
    root.mkdir()
    inside, outside = put(root, "in.md", "inside"), put(tmp_path, "out.md", "outside")
    (root / "link.md").symlink_to(outside)
    async with _served(roots=(root,)) as stub:
        events = await _events(stub.ParseDocument(_sent(b"", path=str(inside))))
        assert events[-1].summary.markdown == "inside\n"
        for path in (outside, root / "link.md", root / ".." / "out.md", root):
            assert (
                await _reason(stub.ParseDocument(_sent(b"", path=str(path)))) == "DOCUMENT_PATH_NOT_ALLOWED"
            )


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (lambda: _sent(b"%PDF-1.4 no", name="a.pdf"), "DOCUMENT_BROKEN"),
        (lambda: _sent(b"x" * 2000, name="a.md"), "DOCUMENT_TOO_LARGE"),
        (lambda: _sent(b"MZ\0\0", name="a.exe"), "DOCUMENT_UNSUPPORTED"),
        (lambda: iter([documents_pb2.ParseDocumentRequest(chunk=b"x")]), "DOCUMENT_HEAD_MISSING"),
        (lambda: [*_sent(b"", name="a.md")] * 2, "DOCUMENT_HEAD_REPEATED"),
    ],
)
async def test_refusals_have_a_reason(sent: Any, reason: str) -> None:
    """What is refused is an invalid argument, with a stable word."""
    async with _served(max_bytes=1500) as stub:
        assert await _reason(stub.ParseDocument(sent())) == reason


async def test_unknown_documents_cannot_be_resumed() -> None:
    """An id that is no digest, or of no document here, is not found."""
    async with _served() as stub:
        for name in ("0" * 64, "../../etc/passwd"):
            asked = documents_pb2.ResumeDocumentRequest(document_id=name)
            assert await _reason(stub.ResumeDocument(asked)) == "REQUEST_UNKNOWN"


async def test_a_budget_holds_over_the_wire() -> None:
    """Without money only what the file itself says is taken."""
    async with _served() as stub:
        events = await _events(stub.ParseDocument(_sent(DATA, name="a.pdf", max_cost_usd_micros=0)))
    assert {one.engine for one in events[-1].summary.spending} == {"parser"}


async def _reason(call: Any) -> str:
    from google.rpc import error_details_pb2, status_pb2

    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await _events(call)
    metadata = dict(failed.value.trailing_metadata() or ())
    status = status_pb2.Status.FromString(metadata[DETAILS_KEY])
    info = error_details_pb2.ErrorInfo()
    status.details[0].Unpack(info)
    return str(info.reason)


async def test_the_client_sends_a_file_and_goes_on(tmp_path: Path) -> None:
    """One call reads a file; after a lost stream another gives the rest, and errors are typed."""
    path = put(tmp_path, "a.pdf", DATA)
    settings = ServerConfig(listen="127.0.0.1:0")
    async with (
        RouterServer(settings, ScriptedRouter(), documents=DocumentsConfig()) as server,
        DocumentClient(await server.start()) as client,
    ):
        events = [event async for event in client.parse(path, max_cost_usd=0.01)]
        last, seen = events[0].plan.document_id, events[-2].sequence
        rest = client.resume(last, after_sequence=seen, max_cost_usd=0.01)
        assert [event.WhichOneof("event") async for event in rest] == ["summary"]
        with pytest.raises(UpshiftError) as failed:
            [event async for event in client.parse(put(tmp_path, "b.pdf", b"%PDF-1.4 no"))]
    assert failed.value.reason == "DOCUMENT_BROKEN"


async def test_fields_and_answers_come_with_the_summary(tmp_path: Path) -> None:
    """Fields by their labels cost nothing; what needs a tier is asked of the server's own, and grounded."""
    reply = json.dumps({"answer": "At noon.", "quotes": ["The ferry leaves at noon.", "It is free."]})
    settings = ServerConfig(listen="127.0.0.1:0")
    path = put(tmp_path, "a.md", "Total: 12.50\n\nThe ferry leaves at noon.\n")
    schema = {"type": "object", "properties": {"total": {"type": "number"}}}
    router = House([echo_tier("edge", reply=reply, price=1_000_000)]).router()
    async with (
        RouterServer(settings, router, documents=DocumentsConfig()) as server,
        DocumentClient(await server.start()) as client,
    ):
        asked = client.parse(path, schema=schema, question="When does it leave?")
        summary = [event async for event in asked][-1].summary
    (field,) = summary.fields
    assert (field.value.number_value, field.quote.text, field.engine) == (12.5, "12.50", "patterns")
    assert summary.answer.text == "At noon."
    assert [quote.text for quote in summary.answer.quotes] == ["The ferry leaves at noon."]
    assert list(summary.answer.invented_quotes) == ["It is free."]
    assert summary.answer.verdict == documents_pb2.VERDICT_UNVERIFIED
