"""The loop over whole documents, on real engines in real worker processes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest

from router.documents.assemble import Settings, open_pipeline
from router.documents.element import Label
from router.documents.errors import Broken, TooLarge
from router.documents.events import ElementRead, ElementSettled, Finished, PageDone, Planned
from router.documents.limits import Limits
from router.documents.outcome import Outcome, Verdict
from router.documents.output.json import to_json
from router.documents.output.markdown import to_markdown
from router.documents.pipeline import Job, Pipeline
from router.documents.steps import NoSteps, SqliteSteps, StepKey
from tests.router.documents.conftest import needs_tesseract
from tests.router.documents.files import Line, Sheet, jpeg_of, pdf, picture_of, prose, put, table
from tests.router.documents.test_parse_pdf import ROWS, shifted

SCANNED = ["Invoice number 4711", "The total amount is 42.50", "Payable within thirty days"]


@pytest.fixture
async def pipeline() -> AsyncIterator[Pipeline]:
    """A pipeline over what is installed."""
    async with open_pipeline() as opened:
        yield opened


class Noting(NoSteps):
    """Notes what would be committed."""

    def __init__(self) -> None:
        self.stages: list[str] = []

    def put(self, key: StepKey, payload: str) -> None:
        """Note a step."""
        del payload
        self.stages.append(key.stage)


def _of(finished: Finished, label: Label) -> list[Outcome]:
    return [outcome for outcome in finished.document.outcomes if outcome.element.label is label]


async def test_plain_text_costs_next_to_nothing(pipeline: Pipeline, tmp_path: Path) -> None:
    """A sound text layer is taken at its word; nothing else runs."""
    finished = await pipeline.document(Job(put(tmp_path, "a.pdf", pdf([Sheet(prose(4))]))))
    assert [one.engine for one in finished.spent] == ["parser"]
    assert all(outcome.verdict is Verdict.VERIFIED for outcome in finished.document.outcomes)
    assert finished.checks["used_once"] == 1.0


async def test_events_come_in_order_and_are_numbered(pipeline: Pipeline, tmp_path: Path) -> None:
    """A plan first, every page's elements before the page, all at last; sequence counts from 1."""
    path = put(tmp_path, "a.pdf", pdf([Sheet(prose(2)), Sheet(prose(1))]))
    events = [event async for event in pipeline.run(Job(path))]
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    assert isinstance(events[0], Planned)
    assert [event.page for event in events if isinstance(event, PageDone)] == [1, 2]
    assert isinstance(events[-1], Finished)


async def test_the_plan_comes_before_any_work(tmp_path: Path) -> None:
    """Who listens hears the plan while nothing is read yet, and may turn back for nothing."""
    path = put(tmp_path, "a.pdf", pdf([Sheet(prose(2))] * 3))
    steps = Noting()
    async with open_pipeline(steps=steps) as opened, aclosing(opened.run(Job(path))) as events:
        plan = await anext(events)
    assert isinstance(plan, Planned)
    assert plan.page_count == 3
    assert set(steps.stages) <= {"split"}


async def test_tables_go_to_an_engine_for_tables(pipeline: Pipeline, tmp_path: Path) -> None:
    """A table's reading is a grid with its cells in place."""
    path = put(tmp_path, "a.pdf", pdf([Sheet((*prose(2), *table(ROWS)))]))
    (found,) = _of(await pipeline.document(Job(path)), Label.TABLE)
    assert found.engine in ("table_model", "columns")
    assert found.reading is not None
    assert found.reading.grid is not None
    assert found.reading.grid.slots() == ROWS


@needs_tesseract
async def test_scans_are_read(pipeline: Pipeline, tmp_path: Path) -> None:
    """A clean scan is read by the cheap engine, and believed."""
    finished = await pipeline.document(Job(put(tmp_path, "a.png", picture_of(SCANNED))))
    (outcome,) = finished.document.outcomes
    assert outcome.text.split() == " ".join(SCANNED).split()
    assert (outcome.engine, outcome.verdict) == ("tesseract", Verdict.VERIFIED)


@needs_tesseract
async def test_a_wrong_character_map_is_found_out(pipeline: Pipeline, tmp_path: Path) -> None:
    """Text that the file garbles is read from its picture instead, and told as revised."""
    path = put(tmp_path, "a.pdf", pdf([Sheet(prose(4))], to_unicode=shifted()))
    events = [event async for event in pipeline.run(Job(path))]
    settled = [event for event in events if isinstance(event, ElementSettled)]
    assert any(isinstance(event, ElementRead) for event in events)
    assert "river rises" in " ".join(event.outcome.text for event in settled)
    assert all(event.outcome.engine != "parser" for event in settled if event.is_revised)


@needs_tesseract
async def test_a_lying_text_layer_is_found_out(pipeline: Pipeline, tmp_path: Path) -> None:
    """A scan whose hidden text says something else is never verified by that text."""
    image = jpeg_of(picture_of(SCANNED, size=(1190, 1684), height=40))
    lies = tuple(
        Line("Nothing whatsoever is owed to anybody here at all.", 60, 790 - 30 * n, 14, invisible=True)
        for n in range(4)
    )
    sheet = Sheet(lies, picture=image, picture_size=(1190, 1684))
    finished = await pipeline.document(Job(put(tmp_path, "a.pdf", pdf([sheet]))))
    believed = [
        outcome
        for outcome in finished.document.outcomes
        if outcome.engine == "parser" and outcome.verdict is Verdict.VERIFIED and outcome.text.strip()
    ]
    assert believed == []


async def test_what_nobody_can_read_is_marked(tmp_path: Path) -> None:
    """A scan without money for OCR is there, unverified, and says why."""
    path = put(tmp_path, "a.png", picture_of(SCANNED))
    async with open_pipeline() as pipeline:
        finished = await pipeline.document(Job(path, max_cost_usd_micros=0.0))
    (outcome,) = finished.document.outcomes
    assert (outcome.verdict, outcome.reading) == (Verdict.UNVERIFIED, None)
    assert "unverified" in to_markdown(finished.document)


async def test_budget_holds(pipeline: Pipeline, tmp_path: Path) -> None:
    """No document costs more than it may, and what could not be paid for is marked so."""
    sheets = [Sheet((*prose(2), *table(ROWS)))] * 4
    path = put(tmp_path, "a.pdf", pdf(sheets))
    whole = await pipeline.document(Job(path))
    half = whole.cost_usd_micros / 2
    finished = await pipeline.document(Job(path, max_cost_usd_micros=half))
    assert finished.cost_usd_micros <= half + 0.5  # what the file says is always taken
    tables = _of(finished, Label.TABLE)
    assert {outcome.reason for outcome in tables} > {"over_budget"}


async def test_deadline_holds(tmp_path: Path) -> None:
    """Past the deadline nothing more is started; the file's own words stand."""
    path = put(tmp_path, "a.pdf", pdf([Sheet((*prose(2), *table(ROWS)))]))
    async with open_pipeline() as pipeline:
        finished = await pipeline.document(Job(path, timeout_s=0.000_001))
    assert {one.engine for one in finished.spent} == {"parser"}
    assert all(outcome.reason == "over_budget" for outcome in _of(finished, Label.TABLE))


async def test_refused_documents_name_the_page(pipeline: Pipeline, tmp_path: Path) -> None:
    """Errors cross the processes with their class and their page."""
    path = put(tmp_path, "a.pdf", pdf([Sheet(prose()), Sheet(prose(), width=900_000)]))
    with pytest.raises(TooLarge) as refused:
        await pipeline.document(Job(path))
    assert refused.value.page == 2
    with pytest.raises(Broken):
        await pipeline.document(Job(put(tmp_path, "b.pdf", b"%PDF-1.4 nothing")))


async def test_files_too_large_are_not_even_read(tmp_path: Path) -> None:
    """Bytes are counted before anything else."""
    async with open_pipeline(Settings(limits=Limits(bytes=100))) as pipeline:
        with pytest.raises(TooLarge, match="bytes"):
            await pipeline.document(Job(put(tmp_path, "a.md", "x" * 101)))


async def test_running_lines_are_told_from_text(pipeline: Pipeline, tmp_path: Path) -> None:
    """What stands at the foot of every page is its footer, and is not in the Markdown."""
    sheets = [Sheet((*prose(3), Line(f"Annual report, page {n}", y=30, size=8))) for n in range(1, 5)]
    finished = await pipeline.document(Job(put(tmp_path, "a.pdf", pdf(sheets))))
    assert len(_of(finished, Label.PAGE_FOOTER)) == 4
    assert "Annual report" not in to_markdown(finished.document)


async def test_a_journal_makes_the_second_run_free_and_equal(tmp_path: Path) -> None:
    """What was committed is not done again, and the bytes are the same."""
    path = put(tmp_path, "a.pdf", pdf([Sheet((*prose(2), *table(ROWS)))] * 2))
    told = []
    for _ in range(2):
        steps = SqliteSteps(tmp_path / "steps.sqlite")
        async with open_pipeline(steps=steps) as pipeline:
            told.append(to_json(await pipeline.document(Job(path))))
            started = pipeline.worker_start_count
        steps.close()
    assert told[0] == told[1]
    assert started == 0


async def test_another_configuration_does_not_take_the_steps(tmp_path: Path) -> None:
    """Steps of another budget are not this run's."""
    path = put(tmp_path, "a.pdf", pdf([Sheet((*prose(2), *table(ROWS)))]))
    steps = SqliteSteps(tmp_path / "steps.sqlite")
    async with open_pipeline(steps=steps) as pipeline:
        whole = await pipeline.document(Job(path))
        poor = await pipeline.document(Job(path, max_cost_usd_micros=0.0))
    steps.close()
    assert poor.cost_usd_micros < whole.cost_usd_micros


def _page_with_picture(png: bytes, size: tuple[int, int]) -> bytes:
    """A page of text whose lower half is a picture."""
    whole = pdf([Sheet(prose(3), picture=jpeg_of(png), picture_size=size)])
    return whole.replace(b"q 595 0 0 842 0 0 cm", b"q 495 0 0 342 50 50 cm")


@needs_tesseract
async def test_text_in_a_large_picture_is_not_lost(pipeline: Pipeline, tmp_path: Path) -> None:
    """A picture on a page of text may hold text of its own."""
    data = _page_with_picture(picture_of(SCANNED, size=(990, 684)), (990, 684))
    finished = await pipeline.document(Job(put(tmp_path, "a.pdf", data)))
    (picture,) = _of(finished, Label.PICTURE)
    assert "4711" in picture.text
    assert picture.engine == "tesseract"


@needs_tesseract
async def test_a_picture_without_text_is_just_a_picture(pipeline: Pipeline, tmp_path: Path) -> None:
    """What shows no text has none, and is no failure."""
    finished = await pipeline.document(
        Job(put(tmp_path, "a.pdf", _page_with_picture(picture_of([], size=(990, 684)), (990, 684))))
    )
    (picture,) = _of(finished, Label.PICTURE)
    assert (picture.text, picture.verdict) == ("", Verdict.VERIFIED)
