"""How good an engine's reading is expected to be, before it runs.

Shares of right readings by group and engine, moved by what the page shows. Refuses to know prices.
"""

from __future__ import annotations

from router.documents.element import Element
from router.documents.route.group import Group

# Tables and scans by `make bench-documents`: share of ICDAR 2013's tables with F1 >= .9, and of SROIE's
# receipts whose total is found. The others are beliefs: no truth for them was at hand.
_QUALITY: dict[Group, dict[str, float]] = {
    Group.STRUCTURED: {"parser": 0.99},
    Group.TEXT: {"parser": 0.97, "tesseract": 0.92, "rapidocr": 0.95},
    Group.TABLE: {"parser": 0.36, "columns": 0.56, "table_model": 0.67},
    Group.SCAN: {"tesseract": 0.82, "rapidocr": 0.97},
    Group.CODE: {"parser": 0.95, "tesseract": 0.6, "rapidocr": 0.6},
    Group.FORMULA: {"parser": 0.3, "tesseract": 0.1, "rapidocr": 0.2},
    Group.FORM: {"parser": 0.98},
    Group.PICTURE: {"parser": 0.95, "tesseract": 0.85},
}
# Of a model tier nothing is known but that it is above what runs here.
_TIER = 0.93
_GARBLED = 0.02


def predicted_quality(group: Group, engine: str, element: Element) -> float:
    """Probability in [0, 1] that ``engine`` reads the element right."""
    quality = _QUALITY[group].get(engine, _TIER)
    if engine != "parser" or group is Group.STRUCTURED:
        return quality
    if element.features.get("garbled", 0.0) > _GARBLED:
        return 0.1
    # OCR that somebody else ran, whose quality nobody knows.
    return quality * (0.8 if element.features.get("full_page_image", 0.0) else 1.0)
