"""The pocket family's requests as files of prompts and as questions over the wire."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from examples.pocket.tasks import Sample, json_schema
from router.outcomes.write import as_line, write_lines


def write_prompts(samples: Iterable[Sample], path: Path) -> None:
    """Write ``samples`` as ``upshift collect`` reads them, each with its right answer and its kind."""
    write_lines((as_line(_line(sample)) for sample in samples), path)


def _line(sample: Sample) -> dict[str, Any]:
    schema = json_schema(sample)
    line: dict[str, Any] = {"prompt": sample.prompt, "task": sample.kind, "reference": sample.answer}
    if schema is not None:
        line |= {"json_schema": schema, "reference": json.loads(sample.answer)}
    return line
