"""Events of the pipeline as messages. Decides nothing."""

from __future__ import annotations

from collections.abc import Sequence

from google.protobuf.json_format import ParseDict
from upshift.v1 import documents_pb2

from router.documents.ask.answer import Answer
from router.documents.ask.extract import Found
from router.documents.ask.grounding import Span
from router.documents.element import is_beside
from router.documents.events import ElementRead, ElementSettled, Event, Finished, PageDone, Planned
from router.documents.outcome import Outcome, Try, Verdict
from router.documents.output.markdown import to_markdown
from router.documents.table import Grid
from router.rpc.durations import duration

VERDICTS = {
    Verdict.VERIFIED: documents_pb2.VERDICT_VERIFIED,
    Verdict.UNVERIFIED: documents_pb2.VERDICT_UNVERIFIED,
}


def event_message(event: Event, elapsed_s: float) -> documents_pb2.DocumentEvent:
    """Translate one event; ``elapsed_s`` is for the summary."""
    message = documents_pb2.DocumentEvent(sequence=event.sequence)
    match event:
        case Planned():
            message.plan.CopyFrom(
                documents_pb2.DocumentPlan(
                    document_id=event.digest,
                    kind=event.kind,
                    page_count=event.page_count,
                    missing=event.missing,
                )
            )
        case ElementRead():
            message.read.CopyFrom(element_message(event.outcome))
        case ElementSettled(is_revised=True):
            message.revised.CopyFrom(element_message(event.outcome))
        case ElementSettled():
            message.element.CopyFrom(element_message(event.outcome))
        case PageDone():
            message.page_done.CopyFrom(
                documents_pb2.PageDone(
                    page=event.page, page_count=event.page_count, unverified_count=event.unverified_count
                )
            )
        case Finished():
            message.summary.CopyFrom(_summary(event, elapsed_s))
    return message


def element_message(outcome: Outcome) -> documents_pb2.Element:
    """Translate one element."""
    element, place = outcome.element, outcome.element.provenance
    box = place.box
    grid = None if outcome.reading is None else outcome.reading.grid
    return documents_pb2.Element(
        id=element.id,
        label=str(element.label),
        level=element.level,
        parent_id=element.parent or "",
        page=place.page,
        box=None
        if box is None
        else documents_pb2.BoundingBox(left=box.left, top=box.top, right=box.right, bottom=box.bottom),
        span_start=place.span[0],
        span_end=place.span[1],
        text=outcome.text,
        table=None if grid is None else _table(grid),
        engine=outcome.engine,
        confidence=outcome.confidence,
        verdict=VERDICTS[outcome.verdict],
        reason=outcome.reason,
        revision=outcome.revision,
        evidence=dict(outcome.evidence),
        cost_usd_micros=outcome.cost_usd_micros,
        tries=[_try(turn) for turn in outcome.tries],
    )


def add_fields(summary: documents_pb2.DocumentSummary, found: Sequence[Found]) -> None:
    """Put extracted fields into a summary."""
    for one in found:
        field = summary.fields.add(
            name=one.field.name,
            confidence=one.confidence,
            verdict=VERDICTS[one.verdict],
            engine=one.engine,
            cost_usd_micros=one.cost_usd_micros,
        )
        if one.value is not None:
            ParseDict(one.value, field.value)
        if one.span is not None:
            field.quote.CopyFrom(_quote(one.span))


def add_answer(summary: documents_pb2.DocumentSummary, answer: Answer) -> None:
    """Put an answer into a summary."""
    summary.answer.CopyFrom(
        documents_pb2.DocumentAnswer(
            text=answer.text or "",
            quotes=[_quote(span) for span in answer.spans],
            invented_quotes=answer.invented,
            verdict=VERDICTS[answer.verdict],
            confidence=answer.confidence,
            tier=answer.tier,
            cost_usd_micros=answer.cost_usd_micros,
            read_count=answer.read_count,
            passage_count=answer.passage_count,
            round_count=answer.round_count,
            unread_count=answer.unread_count,
        )
    )


def _quote(span: Span) -> documents_pb2.Quote:
    return documents_pb2.Quote(
        text=span.quote, element_id=span.element, page=span.page, start=span.start, end=span.end
    )


def _try(turn: Try) -> documents_pb2.EngineTry:
    return documents_pb2.EngineTry(
        engine=turn.engine,
        reason=str(turn.reason),
        confidence=turn.confidence,
        cost_usd_micros=turn.cost_usd_micros,
        failure=turn.failure or "",
    )


def _table(grid: Grid) -> documents_pb2.Table:
    cells = [
        documents_pb2.TableCell(
            text=cell.text,
            row=cell.row,
            column=cell.column,
            row_span=cell.row_span,
            column_span=cell.column_span,
            header=cell.is_header,
        )
        for cell in grid.cells
    ]
    return documents_pb2.Table(row_count=grid.row_count, column_count=grid.column_count, cells=cells)


def _summary(event: Finished, elapsed_s: float) -> documents_pb2.DocumentSummary:
    outcomes = event.document.outcomes
    return documents_pb2.DocumentSummary(
        element_count=len(outcomes),
        unverified_count=sum(outcome.verdict is Verdict.UNVERIFIED for outcome in outcomes),
        cost_usd_micros=event.cost_usd_micros,
        spending=[
            documents_pb2.EngineSpending(
                engine=one.engine,
                reading_count=one.reading_count,
                standing_count=one.standing_count,
                cost_usd_micros=one.cost_usd_micros,
            )
            for one in event.spent
        ],
        checks=dict(event.checks),
        furniture_ids=[o.element.id for o in outcomes if is_beside(o.element)],
        markdown=to_markdown(event.document),
        latency=duration(elapsed_s),
    )
