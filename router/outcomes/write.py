"""Writes outcomes as JSON lines that ``read`` reads back unchanged; gzipped where the name ends so."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from backends.types import GrammarFormat, JsonSchemaFormat, Prompt, Role
from policies.outcomes import Outcome, OutcomeRecord, Sample


def write_outcomes(records: Iterable[OutcomeRecord], path: Path) -> int:
    """Write ``records`` to ``path``, whole or not at all; returns how many there were.

    Equal records give equal bytes. Raises OSError.
    """
    return write_lines(map(line_of, records), path)


def write_lines(lines: Iterable[str], path: Path) -> int:
    """Write ``lines``, given without newlines, to ``path`` as :func:`write_outcomes` does."""
    beside = path.with_name(f".{path.name}.part")
    count = 0
    try:
        with beside.open("wb") as raw:
            # No name and no time in the header: equal content makes an equal file.
            file = gzip.GzipFile("", "wb", fileobj=raw, mtime=0) if path.suffix == ".gz" else raw
            with file:
                for line in lines:
                    file.write(line.encode() + b"\n")
                    count += 1
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    return count


def line_of(record: OutcomeRecord) -> str:
    """The record as one line of JSON, without the newline; what is None or empty is left out."""
    return as_line(document_of(record))


def document_of(record: OutcomeRecord) -> dict[str, Any]:
    """The record as plain values, what is None or empty left out."""
    prompt = record.prompt
    document = {
        "id": record.id or None,
        "task": record.task,
        "group": record.group,
        "prompt": prompt_document(prompt),
        "response_format": form_document(prompt),
        "outcomes": {tier: _outcome(outcome) for tier, outcome in record.outcomes.items()},
    }
    return _present(document)


def as_line(document: dict[str, Any]) -> str:
    """Plain values as one line of JSON, without the newline."""
    return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _present(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None and value not in ({}, [])}


def prompt_document(prompt: Prompt) -> str | list[dict[str, str]]:
    """The prompt as a record's line has it: a text, or a conversation."""
    if len(prompt.messages) == 1 and prompt.messages[0].role is Role.USER:
        return prompt.messages[0].content
    return [{"role": message.role.value, "content": message.content} for message in prompt.messages]


def form_document(prompt: Prompt) -> dict[str, Any] | None:
    """The form that the prompt asks for as a record's line has it; None: free text."""
    form = prompt.response_format
    if form is None:
        return None
    if isinstance(form, JsonSchemaFormat):
        return {"json_schema": dict(form.schema)}
    return {"grammar": form.grammar} if isinstance(form, GrammarFormat) else {"regex": form.pattern}


def _outcome(outcome: Outcome) -> dict[str, Any]:
    return _present(
        {
            "quality": outcome.quality,
            "answer": outcome.answer,
            "text": outcome.text,
            "signals": dict(outcome.signals),
            "output_token_count": outcome.output_token_count,
            "cost_usd": outcome.cost_usd,
            "latency_s": outcome.latency_s,
            "samples": [_sample(sample) for sample in outcome.samples],
        }
    )


def _sample(sample: Sample) -> dict[str, Any]:
    return _present({"text": sample.text, "quality": sample.quality, "signals": dict(sample.signals)})
