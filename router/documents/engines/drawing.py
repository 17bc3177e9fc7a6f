"""A picture of an element for a model tier, drawn in a worker."""

from __future__ import annotations

import io
from collections.abc import Iterator

from router.documents.engines.base import Subject
from router.documents.engines.render import picture

_DPI = 130.0
# Larger pictures are made smaller by the providers themselves, and cost no less.
_LONGEST_SIDE = 1568


def draw(subject: Subject) -> Iterator[bytes]:
    """Give the PNG; a generator of one, as workers run."""
    image, _, _ = picture(subject, dpi=_DPI)
    image.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
    written = io.BytesIO()
    image.save(written, "PNG", optimize=True)
    yield written.getvalue()
