"""Files that mean harm, or lie: each ends in a typed refusal or a document, and the service goes on."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from router.documents.assemble import Settings, open_pipeline
from router.documents.errors import Broken, DocumentRefused, EngineFailed, TooLarge
from router.documents.limits import Limits
from router.documents.parse.kind import Kind, kind_of
from router.documents.parse.registry import splitter_for
from router.documents.pipeline import Job
from router.documents.split import pages_of
from router.documents.workers import WorkerDied, Workers, WorkerSilent
from tests.router.documents.conftest import Split
from tests.router.documents.files import Line, Sheet, pdf, prose, put

HERE = "tests.router.documents.test_hostile"
MEMORY = 4_000_000_000


def die(_: str = "") -> Iterator[int]:
    """A parser that crashes as native code does."""
    yield 1
    os.kill(os.getpid(), signal.SIGSEGV)


def hang() -> Iterator[int]:
    """A parser that never comes back."""
    yield 1
    signal.pause()


def swell() -> Iterator[int]:
    """A parser that wants all memory there is."""
    yield len(bytearray(1 << 40))


def fail() -> Iterator[int]:
    """A parser whose library raises what nobody foresaw."""
    yield 1
    raise ZeroDivisionError("no page 0")


def count(pid_only: bool) -> Iterator[int]:
    """A parser that is well."""
    yield os.getpid() if pid_only else 3


@pytest.mark.parametrize(
    ("function", "error"),
    [("die", WorkerDied), ("hang", WorkerSilent), ("swell", EngineFailed), ("fail", EngineFailed)],
)
async def test_workers_fail_alone(function: str, error: type[Exception]) -> None:
    """Whatever a parser does, the next task runs as if nothing had been."""
    async with Workers(1, MEMORY) as workers:
        with pytest.raises(error):
            async for _ in workers.stream(f"{HERE}:{function}", silence_s=3.0):
                pass
        assert await workers.call(f"{HERE}:count", False, silence_s=30.0) == 3


async def test_a_thousand_pages_fit_into_little_memory(tmp_path: Path) -> None:
    """Pages are given as they are split: the parser's process is allowed 200 MB in all."""
    path = put(tmp_path, "long.pdf", pdf([Sheet(prose(8, start=780))] * 1000))
    async with Workers(1, 200_000_000) as workers:
        numbers = [page.number async for page in pages_of(path, Kind.PDF, Limits(), workers)]
    assert numbers == list(range(1, 1001))


async def test_workers_are_recycled() -> None:
    """After so many tasks a fresh process takes over."""
    async with Workers(1, MEMORY, tasks_per_worker=2) as workers:
        pids = [await workers.call(f"{HERE}:count", True, silence_s=30.0) for _ in range(5)]
    assert pids[0] == pids[1] != pids[2] == pids[3] != pids[4]


async def test_a_reader_that_leaves_ends_its_worker() -> None:
    """Cancelling in the middle of a document stops the parser, not only the listening."""
    async with Workers(1, MEMORY) as workers:
        stream = workers.stream(f"{HERE}:hang", silence_s=60.0)
        assert await anext(stream) == 1
        await stream.aclose()
        assert await workers.call(f"{HERE}:count", False, silence_s=30.0) == 3


async def test_a_parser_that_is_silent_names_the_page(tmp_path: Path) -> None:
    """A page that takes too long is refused by its number."""
    path = put(tmp_path, "a.pdf", pdf([Sheet(prose())]))
    async with Workers(1, MEMORY) as workers:
        with pytest.raises(TooLarge, match="page 1: not parsed within"):
            async for _ in pages_of(path, Kind.PDF, Limits(page_time_s=0.000_001), workers):
                pass


def test_a_page_tree_that_bites_its_tail(split: Split) -> None:
    """Pages whose parent is their own child are refused, or read once, and never forever."""
    looped = pdf([Sheet(prose())]).replace(b"/Kids [5 0 R]", b"/Kids [2 0 R]")
    assert b"/Kids [2 0 R]" in looped
    with pytest.raises(Broken, match="page 1"):
        split("a.pdf", looped)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("שלום עולם, זה מסמך בעברית עם כמה מילים.", "hebrew"),
        ("这是一份中文文件，里面有一些字。", "chinese"),
        ("これは日本語の文書です。", "japanese"),
        ("مرحبا بالعالم هذه وثيقة عربية", "arabic"),
    ],
)
def test_other_scripts_are_not_taken_for_garbage(split: Split, text: str, name: str) -> None:
    """Only Latin words are judged by how they look."""
    (page,) = split(f"{name}.md", f"# {text}\n\n{text}\n")
    assert [element.native.text for element in page.elements if element.native] == [text, text]


def test_invisible_text_on_a_white_page_is_still_told(split: Split) -> None:
    """Text that is drawn in no colour is part of the text layer, and is not lost."""
    (page,) = split("a.pdf", pdf([Sheet((Line("Hidden words are words too.", invisible=True),))]))
    assert "Hidden" in page.source_text


@given(
    cut=st.integers(0, 4000), flips=st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 255)), max_size=8)
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damaged_pdfs_end_in_a_refusal_or_a_document(
    tmp_path: Path, cut: int, flips: list[tuple[int, int]]
) -> None:
    """Bytes that were changed or lost never lead to anything but a typed refusal."""
    data = bytearray(pdf([Sheet(prose(3))])[: max(4000 - cut, 20)])
    for place, value in flips:
        data[place % len(data)] = value
    _split_or_refuse(put(tmp_path, "a.pdf", bytes(data)))


@given(text=st.text(max_size=400))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.parametrize("name", ["a.html", "a.md"])
def test_any_text_ends_in_a_refusal_or_a_document(tmp_path: Path, name: str, text: str) -> None:
    """Whatever a text file holds, it is split or refused."""
    _split_or_refuse(put(tmp_path, name, text.encode("utf-8", "surrogatepass")))


def _split_or_refuse(path: Path) -> None:
    try:
        pages = list(splitter_for(kind_of(path)).split(path, Limits()))
    except DocumentRefused:
        return
    assert [page.number for page in pages] == list(range(1, len(pages) + 1))


async def test_a_refused_document_leaves_the_pipeline_well(tmp_path: Path) -> None:
    """After the worst, the next document is read."""
    bad: list[Any] = [b"%PDF-1.4 no", b"\x89PNG\r\n\x1a\n", b"PK\x03\x04broken"]
    async with open_pipeline(Settings(worker_count=1)) as pipeline:
        for number, data in enumerate(bad):
            with pytest.raises(DocumentRefused):
                await pipeline.document(Job(put(tmp_path, f"{number}.bin", data)))
        finished = await pipeline.document(Job(put(tmp_path, "a.md", "well")))
    assert finished.document.outcomes[0].text == "well"
