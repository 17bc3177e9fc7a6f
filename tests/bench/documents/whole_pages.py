"""Tables end to end: found by the splitter, read by the ladder, held against people's cells page by page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from router.documents.element import Label, Page
from router.documents.engines.base import Engine, Subject
from router.documents.limits import Limits
from router.documents.parse.kind import Kind
from router.documents.parse.pdf import PdfSplitter
from router.documents.route.group import Group
from router.documents.route.routes import Routes, usual_routes
from router.documents.table import Grid
from router.documents.verify.relations import Relation, relations
from tests.bench.documents.climbing import climb
from tests.bench.documents.icdar import Case, cases


@dataclass(frozen=True, slots=True)
class WholeFigures:
    """Adjacency relations of all tables of a page, whoever found them; a table that nobody sees costs recall.

    ``f1`` is over all relations, ``document_f1`` the mean over documents.
    """

    document_count: int
    table_count: int
    found_count: int
    precision: float
    recall: float
    f1: float
    document_f1: float


async def measure(folder: Path, engines: Mapping[str, Engine]) -> WholeFigures:
    """Read every document that has human cells, with the shipped routes and curves."""
    truths: dict[str, list[Case]] = {}
    for case in cases(folder):
        truths.setdefault(case.document, []).append(case)
    route = Routes(usual_routes(engines)).of(Group.TABLE)
    both, theirs, ours, shares, found = 0, 0, 0, [], 0
    for document, known in truths.items():
        path = folder / f"{document}.pdf"
        grids: list[tuple[int, Grid]] = []
        for page, subject in _tables(path):
            outcome = await climb(subject, engines, route, {})
            if outcome.reading is not None and outcome.reading.grid is not None:
                grids.append((page, outcome.reading.grid))
        said = _by_page(grids)
        wanted = _by_page([(case.subject.page.number, case.truth) for case in known])
        right = sum((said & wanted).values())
        both, ours, theirs = both + right, ours + said.total(), theirs + wanted.total()
        shares.append(2.0 * right / max(said.total() + wanted.total(), 1))
        found += len(grids)
    precision, recall = both / max(ours, 1), both / max(theirs, 1)
    return WholeFigures(
        len(truths),
        sum(map(len, truths.values())),
        found,
        precision,
        recall,
        2.0 * both / max(ours + theirs, 1),
        sum(shares) / max(len(shares), 1),
    )


def _tables(path: Path) -> Iterator[tuple[int, Subject]]:
    """The tables that the splitter finds."""
    for page in PdfSplitter().split(path, Limits()):
        slim: Page = replace(page, elements=())
        for element in page.elements:
            if element.label is Label.TABLE:
                yield page.number, Subject(path, Kind.PDF, slim, element)


def _by_page(grids: list[tuple[int, Grid]]) -> Counter[tuple[int, Relation]]:
    return Counter(
        {(page, relation): count for page, told in _summed(grids).items() for relation, count in told.items()}
    )


def _summed(grids: list[tuple[int, Grid]]) -> dict[int, Counter[Relation]]:
    summed: dict[int, Counter[Relation]] = {}
    for page, grid in grids:
        summed.setdefault(page, Counter()).update(relations(grid))
    return summed
