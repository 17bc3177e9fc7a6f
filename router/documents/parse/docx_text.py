"""What a paragraph of a DOCX says: runs, tabs, breaks, equations as LaTeX; deleted text stays out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from router.documents.parse.omml import M, latex

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_WP = "{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}"
_SKIPPED = {f"{W}del", f"{W}moveFrom", f"{W}instrText", f"{W}pPr", f"{W}rPr", f"{W}txbxContent"}
_SIGNS = {f"{W}tab": "\t", f"{W}br": "\n", f"{W}cr": "\n", f"{W}noBreakHyphen": "-"}
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"


def paragraph_text(paragraph: Any) -> str:
    """The text of a ``w:p``."""
    return "".join(_pieces(paragraph))


def _pieces(node: Any) -> Iterator[str]:
    for child in node:
        if child.tag in _SKIPPED or child.tag == _FALLBACK:
            continue
        if child.tag == f"{W}t":
            yield child.text or ""
        elif child.tag == f"{M}oMath":
            yield latex(child)
        elif child.tag in _SIGNS:
            yield _SIGNS[child.tag]
        else:
            yield from _pieces(child)


def is_equation(paragraph: Any) -> bool:
    """Whether a ``w:p`` holds equations and no other text."""
    has_math = next(paragraph.iter(f"{M}oMath"), None) is not None
    return has_math and not any((text.text or "").strip() for text in paragraph.iter(f"{W}t"))


def pictures(paragraph: Any) -> Iterator[str]:
    """The alternative texts of the pictures in a paragraph, empty where they have none."""
    for drawing in paragraph.iter(f"{_WP}docPr"):
        yield (drawing.get("descr") or "").strip()
