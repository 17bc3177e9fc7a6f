"""A region of a page as a picture, within a bound on its pixels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from router.documents.engines.base import Subject
from router.documents.errors import EngineFailed
from router.documents.geometry import Box
from router.documents.parse.kind import Kind
from router.documents.parse.library import library

_POINTS_PER_INCH = 72.0
# 25 million pixels: an A3 page at 300 dpi has 17 million.
_MOST_PIXELS = 25_000_000
# OCR wants letters of 20 pixels and more; small pictures are enlarged to this, in pixels of the longer side.
_LEAST_SIDE = 1600


def picture(subject: Subject, *, dpi: float, margin: float = 4.0) -> tuple[Any, Box, float]:
    """Draw the element's region: an RGB Pillow image, the region in points, and pixels a point."""
    page, box = subject.page, subject.element.provenance.box
    if page.width is None or page.height is None or box is None:
        raise EngineFailed("the element has no place on a page, so there is nothing to look at")
    region = box.grown(margin, page.width, page.height)
    width, height = region.right - region.left, region.bottom - region.top
    if width < 1 or height < 1:
        raise EngineFailed("the element's box is empty")
    scale = min(dpi / _POINTS_PER_INCH, (_MOST_PIXELS / (width * height)) ** 0.5)
    if subject.kind is Kind.IMAGE:
        return _from_image(subject.path, page.number, region, page.width)
    return _from_pdf(subject.path, page.number, region, scale), region, scale


def _from_pdf(path: Path, number: int, region: Box, scale: float) -> Any:
    pdfium = library("pypdfium2", "documents", "drawing pages")
    document = pdfium.PdfDocument(path)
    try:
        page = document[number - 1]
        width, height = page.get_size()
        crop = (region.left, max(height - region.bottom, 0), max(width - region.right, 0), region.top)
        return page.render(scale=scale, crop=crop).to_pil().convert("RGB")
    finally:
        document.close()


def _from_image(path: Path, number: int, region: Box, page_width: float) -> tuple[Any, Box, float]:
    image_library = library("PIL.Image", "documents", "reading images")
    image_library.MAX_IMAGE_PIXELS = None  # checked when the document was split
    with image_library.open(path) as opened:
        opened.seek(number - 1)
        image = opened.convert("RGB")
    scale = image.width / page_width
    bounds = tuple(round(side * scale) for side in (region.left, region.top, region.right, region.bottom))
    image = image.crop(bounds)
    factor = max(
        1.0, min(_LEAST_SIDE / max(image.size), (_MOST_PIXELS / (image.width * image.height)) ** 0.5)
    )
    if factor > 1.0:
        size = (round(image.width * factor), round(image.height * factor))
        image = image.resize(size, image_library.Resampling.LANCZOS)
    return image, region, scale * factor
