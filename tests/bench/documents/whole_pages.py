"""Tables end to end: found by the splitter, read by the ladder, held against people's cells page by page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
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
from router.documents.verify.confidence import Curve
from router.documents.verify.relations import Relation, relations
from tests.bench.documents.climbing import Remembering, climb
from tests.bench.documents.fitted import folds
from tests.bench.documents.icdar import Case, cases
from tests.bench.documents.tables import LADDER, curves_of, judged_case


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
    """Read every document that has human cells, by curves that were fitted on the others."""
    found = list(cases(folder))
    remembering = {name: Remembering(engines[name]) for name in LADDER}
    judged = [await judged_case(case, remembering) for case in found]
    counts: list[_Count] = []
    for fit_on, judge in folds([case.document for case in found]):
        curves = curves_of([judged[index] for index in fit_on])
        truths: dict[str, list[Case]] = {}
        for index in judge:
            truths.setdefault(found[index].document, []).append(found[index])
        for document, known in truths.items():
            counts.append(await _read(folder / f"{document}.pdf", known, engines, curves))
    both, ours, theirs = (sum(getattr(one, name) for one in counts) for name in ("both", "ours", "theirs"))
    return WholeFigures(
        len(counts),
        len(found),
        sum(one.table_count for one in counts),
        both / max(ours, 1),
        both / max(theirs, 1),
        2.0 * both / max(ours + theirs, 1),
        sum(one.f1 for one in counts) / max(len(counts), 1),
    )


@dataclass(frozen=True, slots=True)
class _Count:
    """Tables that were read in a document, and relations: those right, those read, those there."""

    table_count: int
    both: int
    ours: int
    theirs: int

    @property
    def f1(self) -> float:
        return 2.0 * self.both / max(self.ours + self.theirs, 1)


async def _read(
    path: Path, known: Sequence[Case], engines: Mapping[str, Engine], curves: Mapping[str, Curve]
) -> _Count:
    """Read a document by the shipped route."""
    route = Routes(usual_routes(engines)).of(Group.TABLE)
    grids: list[tuple[int, Grid]] = []
    for page, subject in _tables(path):
        outcome = await climb(subject, engines, route, curves)
        if outcome.reading is not None and outcome.reading.grid is not None:
            grids.append((page, outcome.reading.grid))
    said = _by_page(grids)
    wanted = _by_page([(case.subject.page.number, case.truth) for case in known])
    return _Count(len(grids), sum((said & wanted).values()), said.total(), wanted.total())


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
