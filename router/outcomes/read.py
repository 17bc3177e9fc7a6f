"""Reads files of outcomes: JSON lines, plain or gzipped, one prompt a line.

Decides what is said of a line that is wrong. Nothing is guessed and no line is skipped.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from policies.outcomes import OutcomeRecord
from router.config.problems import key_path
from router.outcomes.document import RecordLine
from router.outcomes.errors import OutcomesError

_GZIP_MAGIC = b"\x1f\x8b"


def read_outcomes(path: Path) -> list[OutcomeRecord]:
    """Read all records of ``path``; gzip is told by its content, not by the file's name.

    Raises OutcomesError for the first line that is wrong, for a second record of one id and for a
    file without any record, and OSError where the file cannot be read.
    """
    records: list[OutcomeRecord] = []
    seen: dict[str, int] = {}
    for number, line in enumerate(read_lines(path), start=1):
        if not line.strip():
            continue
        record = _record(line, f"{path}:{number}")
        if record.id and seen.setdefault(record.id, number) != number:
            raise OutcomesError(
                f"{path}:{number}: id: {record.id!r} is that of line {seen[record.id]} too; ids must differ"
            )
        records.append(record)
    if not records:
        raise OutcomesError(f"{path}: there is no record in it; give one JSON object a line")
    return records


def read_lines(path: Path) -> Iterator[bytes]:
    """Yield the lines of ``path`` as they are, unzipped where its content is gzip.

    Raises OutcomesError for damaged gzip, and OSError where the file cannot be read.
    """
    with path.open("rb") as file:
        is_zipped = file.read(2) == _GZIP_MAGIC
        file.seek(0)
        try:
            yield from gzip.GzipFile(fileobj=file) if is_zipped else file
        except (EOFError, zlib.error, gzip.BadGzipFile) as exc:
            raise OutcomesError(f"{path}: it is cut off or damaged gzip: {exc}; fetch it again") from exc


def _record(line: bytes, place: str) -> OutcomeRecord:
    try:
        return RecordLine.model_validate_json(line).record()
    except ValidationError as exc:
        raise OutcomesError("; ".join(complaints(exc, place))) from exc


def complaints(error: ValidationError, place: str) -> Iterator[str]:
    """Say what is wrong, at most three things; values are shown, texts are not."""
    for detail in error.errors(include_url=False)[:3]:
        key = key_path(tuple(detail["loc"]))
        value = detail["input"]
        shown = f", not {value!r}" if isinstance(value, int | float) else ""
        if key.endswith(".quality") and (value is None or detail["type"] == "missing"):
            shown = "; nobody graded this answer: `upshift collect` does, with another --grader"
        yield f"{place}: {f'{key}: ' if key else ''}{detail['msg']}{shown}"
