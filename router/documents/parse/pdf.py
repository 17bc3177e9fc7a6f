"""PDF through liteparse: blocks with boxes, words, form fields, and what makes a page hard.

Refuses to look at pictures: a page without a text layer becomes one element that must be read from its
image. PDFium, under liteparse, is not safe to share between threads; this runs in a process of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from router.documents.element import Label, Page
from router.documents.errors import Broken, Encrypted, TooLarge
from router.documents.geometry import Box
from router.documents.limits import Limits
from router.documents.parse.assemble import Assembly, Part
from router.documents.parse.blocks import parts_of
from router.documents.parse.library import library
from router.documents.parse.wording import garbled_share, plausibility
from router.documents.parse.words import words_of

# Pages at once in memory: 6.3 ms a page at 2, 4.0 at 8, 3.8 at 25 (1,000 pages, two shared cores).
_BATCH_PAGE_COUNT = 8
# What a page's text layer must hold to count as one, in characters.
_LEAST_TEXT = 8


class PdfSplitter:
    """Splits PDFs."""

    def split(self, path: Path, limits: Limits) -> Iterator[Page]:
        """Give the pages in order, some at a time; see :class:`router.documents.parse.base.Splitter`."""
        liteparse = library("liteparse", "documents", "reading PDFs")
        page_count = check_pdf(path, limits)
        assembly = Assembly(limits.element_count)
        seen = 0
        try:
            for batch in _parser(liteparse).parse_batches(path, batch_size=_BATCH_PAGE_COUNT):
                for page in batch.result.pages:
                    yield _page(page, page_count, assembly)
                    seen = page.page_num
        except liteparse.ParseError as exc:
            raise Broken(f"it cannot be parsed: {exc}", page=seen + 1) from exc
        if seen < page_count:
            raise Broken("it cannot be parsed", page=seen + 1)


def check_pdf(path: Path, limits: Limits) -> int:
    """Open the file, and return how many pages it has. Raises DocumentRefused."""
    pdfium = library("pypdfium2", "documents", "reading PDFs")
    try:
        document = pdfium.PdfDocument(path)
    except pdfium.PdfiumError as exc:
        if "password" in str(exc).lower():
            raise Encrypted("the PDF opens with a password only; save it without") from exc
        raise Broken(f"the PDF cannot be opened: {exc}") from exc
    try:
        index, count = 0, len(document)
        if count == 0:
            raise Broken("the PDF has no pages")
        if count > limits.pages:
            raise TooLarge(f"{count} pages, more than the {limits.pages} that are taken")
        for index in range(count):
            _check_size(document, index)
    except pdfium.PdfiumError as exc:
        raise Broken(f"the page cannot be opened: {exc}", page=index + 1) from exc
    finally:
        document.close()
    return count


# PDF's own bound on a page, in points; what is larger is an error or an attack.
_LARGEST_SIDE = 14_400


def _check_size(document: Any, index: int) -> None:
    width, height = document.get_page_size(index)
    if not (0 < width <= _LARGEST_SIDE and 0 < height <= _LARGEST_SIDE):
        said = f"{width:.0f} by {height:.0f} points, beyond PDF's own limit of {_LARGEST_SIDE}"
        raise TooLarge(said, page=index + 1)


def _parser(liteparse: Any) -> Any:
    return liteparse.LiteParse(
        ocr_enabled=False,
        extract_blocks=True,
        extract_form_fields=True,
        extract_links=False,
        extract_vector_graphics=True,
        include_complexity=True,
        emit_word_boxes=True,
        keep_headers_footers=True,
        num_workers=1,
        max_pages=1_000_000,
        quiet=True,
    )


def _page(page: Any, page_count: int, assembly: Assembly) -> Page:
    words = words_of(page.text_items)
    text = "\n".join(item.text for item in page.text_items)
    features = _features(page, text)
    if len("".join(text.split())) < _LEAST_TEXT and _is_picture(page):
        whole = Box(0.0, 0.0, page.width, page.height)
        parts = [Part(Label.TEXT, None, whole, features={"scan": 1.0})]
    else:
        parts = parts_of(page, words, features)
    size = (page.width, page.height)
    return assembly.page(page.page_num, page_count, size, parts, features=features, source_text=text)


def _is_picture(page: Any) -> bool:
    stats = page.complexity
    return stats is not None and (
        stats.full_page_image or stats.image_coverage > 0.05 or bool(stats.uncovered_vector_area)
    )


def _features(page: Any, text: str) -> dict[str, float]:
    stats, layout = page.complexity, page.complexity.layout
    spoken = plausibility(text)
    buggy = sum(len(item.text) for item in page.text_items if item.font_is_buggy)
    features = {
        "text_coverage": stats.text_coverage,
        "image_coverage": stats.image_coverage,
        "full_page_image": float(stats.full_page_image),
        "garbled": max(garbled_share(text), buggy / max(len(text), 1), float(stats.is_garbled)),
        "rule_count": float(len(page.vector_graphics.lines)) if page.vector_graphics else 0.0,
        "column_count": float(layout.column_count) if layout else 1.0,
        "figure_coverage": float(layout.figure_coverage) if layout else 0.0,
    }
    return features if spoken is None else features | {"plausibility": spoken}
