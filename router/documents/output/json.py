"""A settled document as JSON: every element with its provenance, its engine, how sure it is, and its cost."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from router.documents.across import continued
from router.documents.element import Reading
from router.documents.events import Finished
from router.documents.geometry import Box
from router.documents.outcome import Outcome

VERSION = 1


def to_json(finished: Finished) -> str:
    """Write the document; equal documents give equal bytes."""
    return json.dumps(as_object(finished), ensure_ascii=False, indent=2) + "\n"


def as_object(finished: Finished) -> dict[str, Any]:
    """The document as plain values."""
    document = finished.document
    onward = continued(document)
    return {
        "version": VERSION,
        "name": document.name,
        "sha256": document.digest,
        "kind": document.kind,
        "cost_usd_micros": round(finished.cost_usd_micros, 4),
        "spent": [
            {
                "engine": one.engine,
                "readings": one.reading_count,
                "standing": one.standing_count,
                "cost_usd_micros": one.cost_usd_micros,
            }
            for one in finished.spent
        ],
        "checks": dict(finished.checks),
        "not_installed": list(document.missing),
        "pages": [
            {"page": page.page.number, "width": page.page.width, "height": page.page.height}
            for page in document.pages
        ],
        "elements": [
            element_object(outcome)
            | ({"continues": onward[outcome.element.id]} if outcome.element.id in onward else {})
            for outcome in document.outcomes
        ],
    }


def element_object(outcome: Outcome) -> dict[str, Any]:
    """One element as plain values."""
    element, place = outcome.element, outcome.element.provenance
    return {
        "id": element.id,
        "label": str(element.label),
        "level": element.level,
        "parent": element.parent,
        **({"marker": element.marker} if element.marker else {}),
        "page": place.page,
        "bbox": None if place.box is None else _box(place.box),
        "charspan": list(place.span),
        "text": outcome.text,
        **({"table": _table(outcome.reading)} if outcome.reading and outcome.reading.grid else {}),
        "engine": outcome.engine,
        "confidence": outcome.confidence,
        "verdict": str(outcome.verdict),
        "reason": outcome.reason,
        "revision": outcome.revision,
        "evidence": dict(outcome.evidence),
        "cost_usd_micros": round(outcome.cost_usd_micros, 4),
        "tries": [_try(turn) for turn in outcome.tries],
    }


def _try(turn: Any) -> Mapping[str, Any]:
    said = {"engine": turn.engine, "reason": str(turn.reason), "confidence": turn.confidence}
    return said if turn.failure is None else said | {"failure": turn.failure}


def _table(reading: Reading) -> dict[str, Any]:
    assert reading.grid is not None, "asked only where there is one"
    return {
        "rows": reading.grid.row_count,
        "columns": reading.grid.column_count,
        "cells": [
            {
                "text": cell.text,
                "row": cell.row,
                "column": cell.column,
                "row_span": cell.row_span,
                "column_span": cell.column_span,
                "is_header": cell.is_header,
            }
            for cell in reading.grid.cells
        ],
    }


def _box(box: Box) -> dict[str, Any]:
    return {
        "l": round(box.left, 2),
        "t": round(box.top, 2),
        "r": round(box.right, 2),
        "b": round(box.bottom, 2),
        "coord_origin": str(box.origin),
    }
