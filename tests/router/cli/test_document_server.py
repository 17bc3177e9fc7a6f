"""``upshift document --server``: a server reads, and a stream that breaks is taken up again."""

from __future__ import annotations

import io
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from rich.console import Console
from upshift.v1 import documents_pb2

from router.cli.documents.progress import Watch
from router.cli.documents.remote import Received, Remote
from router.cli.documents.wish import Wish
from router.config import ServerConfig
from router.config.documents import DocumentsConfig
from router.rpc.client.documents import DocumentClient
from router.rpc.client.errors import UpshiftError
from router.rpc.server import RouterServer
from tests.router.cli.conftest import Run
from tests.router.documents.files import Sheet, pdf, prose, put
from tests.router.rpc.scripted_router import ScriptedRouter

DATA = pdf([Sheet(prose(2)), Sheet(prose(1))])


class Breaking(DocumentClient):
    """A client whose connection breaks behind so many events, once for each number in ``breaks``."""

    breaks: list[int]

    def parse(self, path: Path, **options: Any) -> AsyncGenerator[documents_pb2.DocumentEvent]:
        """Send a file, and break."""
        return self._broken(super().parse(path, **options))

    def resume(self, document_id: str, **options: Any) -> AsyncGenerator[documents_pb2.DocumentEvent]:
        """Go on, and break again."""
        return self._broken(super().resume(document_id, **options))

    async def _broken(
        self, events: AsyncGenerator[documents_pb2.DocumentEvent]
    ) -> AsyncGenerator[documents_pb2.DocumentEvent]:
        left = self.breaks.pop(0) if self.breaks else None
        async with aclosing(events):
            async for event in events:
                if left == 0:
                    raise UpshiftError(grpc.StatusCode.UNAVAILABLE, "the line is cut")
                left = None if left is None else left - 1
                yield event


@asynccontextmanager
async def _client(folder: Path, *breaks: int) -> AsyncIterator[Breaking]:
    config = DocumentsConfig(journal=folder / "steps.sqlite")
    async with RouterServer(ServerConfig(listen="127.0.0.1:0"), ScriptedRouter(), documents=config) as server:
        client = Breaking(await server.start())
        client.breaks = list(breaks)
        async with client:
            yield client


async def _read(client: DocumentClient, path: Path) -> tuple[Received, str, list[float]]:
    told, pauses = io.StringIO(), []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    watch = Watch(Console(file=told), 1, clock=lambda: 0.0)
    watch.begins(path)
    return await Remote(client, Wish(), watch, pause).read(path), told.getvalue(), pauses


async def test_a_broken_stream_is_taken_up_again(tmp_path: Path) -> None:
    """Breaks before the plan, in the middle and twice in a place leave the same document and account."""
    path = put(tmp_path, "a.pdf", DATA)
    async with _client(tmp_path) as whole:
        expected, told, pauses = await _read(whole, path)
    assert pauses == []
    async with _client(tmp_path, 0, 2, 0, 1) as broken:
        got, told_again, pauses = await _read(broken, path)
    assert len(pauses) == 4
    assert list(got.elements) == list(expected.elements)
    assert got.summary is not None
    assert expected.summary is not None
    assert got.summary.markdown == expected.summary.markdown
    assert told_again == told
    assert "2 pages, 3 elements, 0 unverified" in told


async def test_a_server_that_stays_away_is_given_up(tmp_path: Path) -> None:
    """After some breaks in one place the error is the user's."""
    async with _client(tmp_path, *[0] * 9) as client:
        with pytest.raises(UpshiftError, match="cut"):
            await _read(client, put(tmp_path, "a.pdf", DATA))


def test_what_only_works_here_is_refused(upshift: Run, tmp_path: Path) -> None:
    """A report needs the document's own pictures, and a journal is the server's."""
    path = str(put(tmp_path, "a.md", "text"))
    ended = upshift("document", path, "--server", "127.0.0.1:1", "--out", "html")
    assert ended.code == 2
    assert "--server" in ended.err
