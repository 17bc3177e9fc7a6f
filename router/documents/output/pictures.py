"""Small pictures of pages for the report; a page that cannot be drawn is left white."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from router.documents.errors import LibraryMissing
from router.documents.parse.library import library

# Wide enough to read headings; a page is some 40 KB.
_WIDTH = 760
_MOST_PAGES = 200


@contextmanager
def page_pictures(path: Path, kind: str) -> Iterator[Any]:
    """Give a function from page numbers to ``data:`` addresses, None where there is no picture."""
    if kind == "pdf":
        with _pdf(path) as draw:
            yield draw
    elif kind == "image":
        yield lambda number: _image(path, number)
    else:
        yield lambda _: None


@contextmanager
def _pdf(path: Path) -> Iterator[Any]:
    try:
        pdfium = library("pypdfium2", "documents", "drawing pages")
    except LibraryMissing:
        yield lambda _: None
        return
    document = pdfium.PdfDocument(path)

    def draw(number: int) -> str | None:
        if number > _MOST_PAGES:
            return None
        page = document[number - 1]
        return _encoded(page.render(scale=_WIDTH / page.get_size()[0]).to_pil())

    try:
        yield draw
    finally:
        document.close()


def _image(path: Path, number: int) -> str:
    image_library = library("PIL.Image", "documents", "reading images")
    with image_library.open(path) as opened:
        opened.seek(number - 1)
        image = opened.convert("RGB")
    image.thumbnail((_WIDTH, _WIDTH * 4))
    return _encoded(image)


def _encoded(image: Any) -> str:
    written = io.BytesIO()
    image.convert("RGB").save(written, "JPEG", quality=70)
    return "data:image/jpeg;base64," + base64.b64encode(written.getvalue()).decode()
