"""The engines that compute on this machine; the one place to add one.

Seconds a page: CPU time over 44 pages of 12 public files, on two shared cores.
"""

from __future__ import annotations

from router.documents.element import Element, Label
from router.documents.engines.local import Profile


def _is_table(element: Element) -> bool:
    return element.label is Label.TABLE and bool(element.words)


def _is_text(element: Element) -> bool:
    return element.label not in (Label.PICTURE, Label.CHART)


def _is_text_or_picture(element: Element) -> bool:
    return _is_text(element) or element.native is None


LOCAL_ENGINES = (
    Profile(
        "columns",
        "router.documents.engines.columns:read",
        seconds_per_page=0.02,
        least_seconds=0.004,
        needs="json",
        remedy="",
        reads=_is_table,
    ),
    Profile(
        "table_model",
        "router.documents.engines.table_model:read",
        seconds_per_page=0.41,
        least_seconds=0.41,
        needs="rapid_table",
        remedy="rapid-table is not installed: pip install 'upshift[documents-vision]' adds a table model",
        reads=_is_table,
    ),
    Profile(
        "tesseract",
        "router.documents.engines.tesseract:read",
        seconds_per_page=0.65,
        least_seconds=0.1,
        needs="!tesseract",
        remedy="tesseract is not installed: apt install tesseract-ocr adds reading scans cheaply",
        reads=_is_text_or_picture,
    ),
    Profile(
        "rapidocr",
        "router.documents.engines.rapid_ocr:read",
        seconds_per_page=7.5,
        least_seconds=0.5,
        needs="rapidocr",
        remedy="rapidocr is not installed: pip install 'upshift[documents-vision]' adds reading hard scans",
        reads=_is_text,
    ),
)
