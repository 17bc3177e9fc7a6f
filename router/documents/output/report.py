"""A report in one HTML file: every page with its elements boxed, coloured by engine, as sure as they are.

Nothing is loaded from elsewhere and no script runs; all that documents say is escaped.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from pathlib import Path

from router.documents.events import Finished, Spent
from router.documents.outcome import Outcome, SettledPage, Verdict
from router.documents.output.colours import colour_of
from router.documents.output.pictures import page_pictures
from router.documents.output.style import STYLE

_LONGEST_TEXT = 600
_MOST_ROWS = 20


def to_html(finished: Finished, path: Path) -> str:
    """Write the report; ``path`` is the file, which is drawn where it has pages."""
    document = finished.document
    with page_pictures(path, document.kind) as draw:
        pages = "".join(
            _page(page, draw(page.page.number) if page.page.width else None) for page in document.pages
        )
    doubtful = sum(outcome.verdict is Verdict.UNVERIFIED for outcome in document.outcomes)
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(document.name)}</title>"
        f"<meta name=viewport content='width=device-width'><style>{STYLE}</style>"
        f"<header><h1>{escape(document.name)}</h1>"
        f"<p>{_counted(len(document.pages), 'page')} · {_counted(len(document.outcomes), 'element')} · "
        f"{doubtful} unverified · "
        f"{_money(finished.cost_usd_micros)}</p>"
        f"{_legend(finished)}{_missing(document.missing)}</header>"
        f"<main>{pages}</main></html>\n"
    )


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'s' * (count != 1)}"


def _money(usd_micros: float) -> str:
    return f"{usd_micros:,.2f} µ$"


def _legend(finished: Finished) -> str:
    rows = "".join(_legend_row(one) for one in finished.spent)
    return (
        "<table class=legend><tr><th>engine<th>read<th>stands<th>cost</tr>"
        f"{rows}</table><p class=key>Full borders are verified, dashed ones are not; "
        "the fainter, the less sure.</p>"
    )


def _legend_row(one: Spent) -> str:
    return (
        f"<tr><td><i style='background:{colour_of(one.engine)}'></i>{escape(one.engine)}"
        f"<td>{one.reading_count}<td>{one.standing_count}<td>{_money(one.cost_usd_micros)}</tr>"
    )


def _missing(missing: tuple[str, ...]) -> str:
    return "".join(f"<p class=missing>{escape(said)}</p>" for said in missing)


def _page(page: SettledPage, picture: str | None) -> str:
    drawn = ""
    if page.page.width and page.page.height:
        image = f"<img src='{picture}' alt='page {page.page.number}'>" if picture else ""
        boxes = "".join(_boxes(page))
        ratio = f"aspect-ratio:{page.page.width:.0f}/{page.page.height:.0f}"
        drawn = f"<div class=sheet style='{ratio}'>{image}{boxes}</div>"
    rows = "".join(_row(outcome) for outcome in page.outcomes)
    pair = f"<div class=pair>{drawn}<ol class=list>{rows}</ol></div>"
    return f"<section><h2>Page {page.page.number}</h2>{pair}</section>"


def _boxes(page: SettledPage) -> Iterator[str]:
    width, height = page.page.width or 1.0, page.page.height or 1.0
    for outcome in page.outcomes:
        box = outcome.element.provenance.box
        if box is None:
            continue
        colour = colour_of(outcome.engine)
        kind = "" if outcome.verdict is Verdict.VERIFIED else " doubtful"
        shade = f"{round(40 * outcome.confidence):02x}"
        left, top = 100 * box.left / width, 100 * box.top / height
        across, down = 100 * (box.right - box.left) / width, 100 * (box.bottom - box.top) / height
        place = f"left:{left:.2f}%;top:{top:.2f}%;width:{across:.2f}%;height:{down:.2f}%"
        title = escape(
            f"{outcome.element.label} · {outcome.engine or 'nobody'} · {outcome.confidence:.2f}", quote=True
        )
        yield (
            f"<a class='box{kind}' href='#{outcome.element.id}' title='{title}' "
            f"style='{place};border-color:{colour};background:{colour}{shade}'></a>"
        )


def _shown(outcome: Outcome) -> str:
    """The text, or the first rows of a table; what is left out shows as an ellipsis."""
    grid = None if outcome.reading is None else outcome.reading.grid
    if grid is None:
        text = outcome.text
        return f"<pre>{escape(text[:_LONGEST_TEXT])}{'…' if len(text) > _LONGEST_TEXT else ''}</pre>"
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(text)}" for text in row) for row in grid.slots()[:_MOST_ROWS]
    )
    return f"<table class=grid>{rows}</table>{'…' if grid.row_count > _MOST_ROWS else ''}"


def _row(outcome: Outcome) -> str:
    way = " → ".join(
        f"{escape(turn.engine)} {'failed' if turn.confidence is None else f'{turn.confidence:.2f}'}"
        for turn in outcome.tries
    )
    evidence = ", ".join(f"{escape(name)} {score:.2f}" for name, score in outcome.evidence.items())
    doubtful = "" if outcome.verdict is Verdict.VERIFIED else " <b>unverified</b>"
    return (
        f"<li id='{outcome.element.id}' style='border-color:{colour_of(outcome.engine)}'>"
        f"<p class=meta>{escape(str(outcome.element.label))}{doubtful} · {way} · "
        f"{_money(outcome.cost_usd_micros)}</p>{_shown(outcome)}<p class=evidence>{evidence}</p></li>"
    )
