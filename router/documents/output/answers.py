"""Fields and answers as plain values, each with where in the document it stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from router.documents.ask.answer import Answer
from router.documents.ask.extract import Found
from router.documents.ask.grounding import Span
from router.documents.outcome import Document
from router.documents.output.json import element_object


def fields_object(found: Sequence[Found], document: Document) -> dict[str, Any]:
    """``fields`` are the values alone, ``evidence`` the account of each."""
    return {
        "fields": {one.field.name: one.value for one in found},
        "evidence": {
            one.field.name: {
                "verdict": str(one.verdict),
                "confidence": one.confidence,
                "engine": one.engine,
                "reason": one.reason,
                "cost_usd_micros": one.cost_usd_micros,
                "at": None if one.span is None else _place(one.span, document),
            }
            for one in found
        },
    }


def answer_object(answer: Answer, document: Document) -> dict[str, Any]:
    """The answer with its quotes, and those that it made up."""
    return {
        "question": answer.question,
        "answer": answer.text,
        "verdict": str(answer.verdict),
        "confidence": answer.confidence,
        "tier": answer.tier,
        "cost_usd_micros": answer.cost_usd_micros,
        "quotes": [_place(span, document) for span in answer.spans],
        "not_in_the_document": list(answer.invented),
        "passages_read": answer.read_count,
        "passages": answer.passage_count,
        "rounds": answer.round_count,
        "pieces_not_read": answer.unread_count,
    }


def _place(span: Span, document: Document) -> dict[str, Any]:
    outcome = next(outcome for outcome in document.outcomes if outcome.element.id == span.element)
    return {
        "quote": span.quote,
        "element": span.element,
        "page": span.page,
        "bbox": element_object(outcome)["bbox"],
        "span": [span.start, span.end],
    }
