"""What a paragraph of a DOCX says: runs, tabs, breaks, equations as LaTeX; deleted text stays out.

Text boxes and pictures are told apart from the text that they are anchored in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from router.documents.marks import Mark, Style
from router.documents.parse.omml import M, latex
from router.documents.parse.runs import PLAIN, Runs, Setting

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_WP = "{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}"
_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_V = "{urn:schemas-microsoft-com:vml}"
_SKIPPED = {f"{W}del", f"{W}moveFrom", f"{W}instrText", f"{W}pPr", f"{W}rPr", f"{W}txbxContent"}
_SIGNS = {f"{W}tab": "\t", f"{W}br": "\n", f"{W}cr": "\n", f"{W}noBreakHyphen": "-"}
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_STYLES = {"b": Style.BOLD, "i": Style.ITALIC, "strike": Style.STRIKE}
_OFF = {"0", "false", "off", "none"}

Links = Mapping[str, str]
"""Where links lead, by the id of their relationship."""


def paragraph_text(paragraph: Any) -> str:
    """The text of a ``w:p``."""
    return marked_text(paragraph, {})[0]


def marked_text(paragraph: Any, links: Links) -> tuple[str, tuple[Mark, ...]]:
    """The text of a ``w:p``, and how it is set."""
    runs = Runs()
    for text, setting in _pieces(paragraph, PLAIN, links):
        runs.add(text, setting)
    return runs.take(collapse=False)


def equation_text(paragraph: Any) -> str:
    """The LaTeX of a ``w:p`` that holds equations only."""
    return " ".join(latex(node) for node in paragraph.iter(f"{M}oMath")).strip()


def _pieces(node: Any, setting: Setting, links: Links) -> Iterator[tuple[str, Setting]]:
    for child in node:
        if child.tag in _SKIPPED or child.tag == _FALLBACK:
            continue
        if child.tag == f"{W}t":
            yield child.text or "", setting
        elif child.tag == f"{M}oMath":
            yield f"${latex(child).strip()}$", PLAIN.also(Style.FORMULA)
        elif child.tag in _SIGNS:
            yield _SIGNS[child.tag], setting
        else:
            yield from _pieces(child, _setting(child, setting, links), links)


def _setting(node: Any, around: Setting, links: Links) -> Setting:
    if node.tag == f"{W}hyperlink":
        target = links.get(node.get(f"{_R}id") or "", "")
        return around.also(Style.LINK, target) if target else around
    properties = node.find(f"{W}rPr") if node.tag == f"{W}r" else None
    if properties is not None:
        for name, style in _STYLES.items():
            found = properties.find(f"{W}{name}")
            if found is not None and found.get(f"{W}val", "1").lower() not in _OFF:
                around = around.also(style)
    return around


def is_equation(paragraph: Any) -> bool:
    """Whether a ``w:p`` holds equations and no other text."""
    has_math = next(paragraph.iter(f"{M}oMath"), None) is not None
    return has_math and not any((text.text or "").strip() for text in paragraph.iter(f"{W}t"))


def pictures(paragraph: Any) -> Iterator[str]:
    """The alternative texts of the pictures in a paragraph, empty where they have none."""
    for node in _shown(paragraph):
        if node.tag == f"{_WP}docPr":
            yield (node.get("descr") or "").strip()
        elif node.tag == f"{_V}imagedata":
            yield (node.getparent().get("alt") or "").strip()


def boxes(paragraph: Any) -> Iterator[Any]:
    """The contents of the text boxes that are anchored in a paragraph."""
    for node in _shown(paragraph):
        if node.tag == f"{W}txbxContent":
            yield node


def _shown(node: Any) -> Iterator[Any]:
    """All below a node that is shown; of alternatives the first."""
    for child in node:
        if child.tag == _FALLBACK or not isinstance(child.tag, str):
            continue
        yield child
        if child.tag != f"{W}txbxContent":
            yield from _shown(child)
