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
_MICROS = 1_000_000


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
        f"<p>{len(document.pages)} pages · {len(document.outcomes)} elements · {doubtful} unverified · "
        f"${finished.cost_usd_micros / _MICROS:.6f}</p>"
        f"{_legend(finished)}{_missing(document.missing)}</header>"
        f"<main>{pages}</main></html>\n"
    )


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
        f"<td>{one.reading_count}<td>{one.standing_count}<td>${one.cost_usd_micros / _MICROS:.6f}</tr>"
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


def _row(outcome: Outcome) -> str:
    text = outcome.text
    shown = escape(text[:_LONGEST_TEXT]) + ("…" if len(text) > _LONGEST_TEXT else "")
    way = " → ".join(
        f"{escape(turn.engine)} {'failed' if turn.confidence is None else f'{turn.confidence:.2f}'}"
        for turn in outcome.tries
    )
    evidence = ", ".join(f"{escape(name)} {score:.2f}" for name, score in outcome.evidence.items())
    doubtful = "" if outcome.verdict is Verdict.VERIFIED else " <b>unverified</b>"
    return (
        f"<li id='{outcome.element.id}' style='border-color:{colour_of(outcome.engine)}'>"
        f"<p class=meta>{escape(str(outcome.element.label))}{doubtful} · {way} · "
        f"${outcome.cost_usd_micros / _MICROS:.6f}</p><pre>{shown}</pre><p class=evidence>{evidence}</p></li>"
    )
