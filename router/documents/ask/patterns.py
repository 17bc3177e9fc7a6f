"""Fields by their labels, without a model: what stands behind, below or beside the words of a field's name.

The cheapest engine for fields; it costs nothing but its patience, and points at where it read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from router.documents.ask.fields import Field
from router.documents.ask.grounding import Span
from router.documents.ask.passages import Passage
from router.documents.table import Grid

_AMOUNT = re.compile(r"[-–]?\(?\d[\d.,'’ ]*\d\)?|\d")
_SAME = {
    "number": r"(?:number|no\.?|nr\.?|num\.?|#|id)",
    "no": r"(?:number|no\.?|nr\.?|#)",
    "id": r"(?:id|number|no\.?|nr\.?|#)",
    "total": r"(?:total|amount due|balance due|gesamt\w*|summe|montant)",
    "amount": r"(?:amount|total|betrag)",
    "date": r"(?:date|datum|dated)",
    "tax": r"(?:tax|vat|gst|mwst\.?)",
}
_SEPARATOR = re.compile(r"^[\s:#.\-–=|]*")
_LONGEST_TEXT = 120
_NUMBERS = ("number", "no", "id", "reference", "code")
_BARE = 0.85


@dataclass(frozen=True, slots=True)
class Candidate:
    """A value that may be meant; ``score`` in [0, 1] is how well its label fits."""

    value: Any
    span: Span
    score: float


def candidates(field: Field, passages: Sequence[Passage]) -> list[Candidate]:
    """Values that stand by the field's label, those that fit best first; of equals the later."""
    label = _label(field)
    found: list[Candidate] = []
    for passage in passages:
        grid = passage.outcome.reading.grid if passage.outcome.reading else None
        if grid is not None:
            found += _in_table(field, label, passage, grid)
        found += _in_lines(field, label, passages, passage)
    if not found and len(field.words) > 1 and field.words[-1] in _NUMBERS:
        # "Invoice A-4711": the word that says that it is a number is often left out.
        bare = replace(field, words=field.words[:-1], bare_of=field.words[-1])
        return [replace(one, score=one.score * _BARE) for one in candidates(bare, passages)]
    order = sorted(enumerate(found), key=lambda item: (-item[1].score, -item[0]))
    return [candidate for _, candidate in order]


def _label(field: Field) -> re.Pattern[str]:
    words = [_SAME.get(word, re.escape(word)) for word in field.words]
    title = field.schema.get("title")
    spoken = r"[\s_\-./]*".join(words)
    if isinstance(title, str) and title:
        spoken = rf"(?:{spoken}|{re.escape(title)})"
    return re.compile(rf"(?<!\w){spoken}(?!\w)", re.IGNORECASE)


def _in_lines(
    field: Field, label: re.Pattern[str], passages: Sequence[Passage], passage: Passage
) -> Iterator[Candidate]:
    lines = passage.text.split("\n")
    start = 0
    for number, line in enumerate(lines):
        for match in label.finditer(line):
            behind = line[match.end() :]
            offset = start + match.end()
            value = _value(field, behind)
            score = 0.9 if match.start() == 0 else 0.75
            if value is None and not behind.strip(" :#.-|\t"):
                value, passage_of, offset = _below(field, passages, passage, lines, number, start)
                score -= 0.1
            else:
                passage_of = passage
            if value is not None:
                yield _candidate(field, value, passage_of, offset, score)
        start += len(line) + 1


def _below(
    field: Field, passages: Sequence[Passage], passage: Passage, lines: Sequence[str], number: int, start: int
) -> tuple[tuple[str, int] | None, Passage, int]:
    """The value on the next line, or at the start of the next passage."""
    if number + 1 < len(lines):
        return _value(field, lines[number + 1]), passage, start + len(lines[number]) + 1
    if passage.index + 1 < len(passages):
        following = passages[passage.index + 1]
        return _value(field, following.text.split("\n")[0]), following, 0
    return None, passage, 0


def _in_table(field: Field, label: re.Pattern[str], passage: Passage, grid: Grid) -> Iterator[Candidate]:
    slots = grid.slots()
    for row, texts in enumerate(slots):
        for column, text in enumerate(texts):
            if not label.fullmatch(text.strip(" :#*")):
                continue
            below = slots[row + 1][column] if row + 1 < len(slots) else ""
            for beside in (*reversed(texts[column + 1 :]), below):
                value = _value(field, beside)
                at = passage.text.find(beside) if beside else -1
                if value is not None and at >= 0:
                    yield _candidate(field, value, passage, at, 0.9)
                    break


def _value(field: Field, text: str) -> tuple[str, int] | None:
    """What is written at the start of ``text`` and of the field's kind, and where in it."""
    skipped = _SEPARATOR.match(text)
    begin = skipped.end() if skipped else 0
    rest = text[begin:]
    if field.kind in ("number", "integer"):
        found = _AMOUNT.search(rest)
        usable = found is not None and field.read(found[0]) is not None
        return (found[0], begin + found.start()) if found and usable else None
    if field.kind == "date":
        from router.documents.ask.dates import read_date

        written = read_date(rest)
        return None if written is None else (written.text, begin + rest.index(written.text))
    said = re.split(r"\t| {3,}", rest)[0].strip()[:_LONGEST_TEXT]
    if field.bare_of or (field.words[-1:] and field.words[-1] in _NUMBERS):
        said = said.split(" ")[0]
        if not any(character.isdigit() for character in said):
            return None
    return (said, begin) if said and field.read(said) is not None else None


def _candidate(
    field: Field, value: tuple[str, int], passage: Passage, offset: int, score: float
) -> Candidate:
    written, at = value
    start = offset + at
    span = Span(passage.id, passage.outcome.element.provenance.page, start, start + len(written), written)
    return Candidate(field.read(written), span, score)
