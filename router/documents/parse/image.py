"""A picture of a document: one element a frame, which must be read by looking at it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from router.documents.element import Label, Page
from router.documents.errors import Broken, TooLarge
from router.documents.geometry import Box
from router.documents.limits import Limits
from router.documents.parse.assemble import Assembly, Part
from router.documents.parse.library import library

# Pictures that do not tell their resolution are taken for scans at this one.
USUAL_DPI = 150.0
POINTS_PER_INCH = 72.0


class ImageSplitter:
    """Splits PNG, JPEG, TIFF (each frame a page), WebP, BMP and GIF."""

    def split(self, path: Path, limits: Limits) -> Iterator[Page]:
        """Give a page a frame; see :class:`router.documents.parse.base.Splitter`."""
        image_library = library("PIL.Image", "documents", "reading images")
        assembly = Assembly(limits.element_count)
        image_library.MAX_IMAGE_PIXELS = None  # its own warning; the limit here is ours
        number = 0
        try:
            with image_library.open(path) as image:
                count = getattr(image, "n_frames", 1)
                if count > limits.pages:
                    raise TooLarge(f"{count} frames, more than the {limits.pages} that are taken")
                for index in range(count):
                    number = index + 1
                    image.seek(index)
                    if image.width * image.height > limits.pixels:
                        said = f"{image.width} by {image.height} pixels, more than {limits.pixels:,} in all"
                        raise TooLarge(said, page=number)
                    image.load()
                    width, height = image.width * _scale(image), image.height * _scale(image)
                    part = Part(Label.TEXT, None, Box(0.0, 0.0, width, height), features={"scan": 1.0})
                    yield assembly.page(
                        number, count, (width, height), [part], features={"full_page_image": 1.0}
                    )
        except (OSError, SyntaxError, ValueError, EOFError) as exc:
            raise Broken(f"the image cannot be decoded: {exc}", page=number or None) from exc


def _scale(image: object) -> float:
    """Points a pixel."""
    dpi = getattr(image, "info", {}).get("dpi", (USUAL_DPI,))[0]
    return POINTS_PER_INCH / (float(dpi) if 30 <= float(dpi) <= 2400 else USUAL_DPI)
