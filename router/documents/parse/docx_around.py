"""What stands around the body of a DOCX: headers, footers, footnotes, endnotes and reviewers' comments."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from router.documents.element import Label
from router.documents.parse.assemble import Part
from router.documents.parse.docx_text import W, paragraph_text
from router.documents.parse.library import library

_PLACES = (("header", Label.PAGE_HEADER), ("footer", Label.PAGE_FOOTER))
_KINDS = ("", "first_page_", "even_page_")
# Word's own rules between text and notes.
_NO_NOTES = {"separator", "continuationSeparator", "continuationNotice"}


def margins(document: Any) -> Iterator[Part]:
    """Every header and footer that a section shows, each text once."""
    seen: set[tuple[Label, str]] = set()
    has_even = document.settings.odd_and_even_pages_header_footer
    for section in document.sections:
        for place, label in _PLACES:
            for kind in _KINDS:
                is_used = {"": True, "first_page_": section.different_first_page_header_footer}
                if not is_used.get(kind, has_even):
                    continue
                margin = getattr(section, f"{kind}{place}")
                text = "" if margin.is_linked_to_previous else _text(margin.part.element)
                if text and (label, text) not in seen:
                    seen.add((label, text))
                    yield Part(label, text)


def notes(document: Any) -> Iterator[Part]:
    """Footnotes, endnotes and comments, in this order."""
    for kind in ("footnote", "endnote", "comment"):
        root = _part(document, f"{kind}s")
        for node in () if root is None else root.findall(f"{W}{kind}"):
            if node.get(f"{W}type") in _NO_NOTES:
                continue
            text = _text(node)
            if text:
                is_comment = kind == "comment"
                said = _signed(node, text) if is_comment else text
                yield Part(Label.FOOTNOTE, said, features={"comment": 1.0} if is_comment else {})


def _signed(node: Any, text: str) -> str:
    """A comment behind who made it and when, as far as the file says."""
    author, initials, when = (node.get(f"{W}{name}") or "" for name in ("author", "initials", "date"))
    by = f"author: {author}{f' ({initials})' if initials else ''}" if author else ""
    said = ", ".join(filter(None, (by, f"time: {when}" if when else "")))
    return f"[{said}]: {text}" if said else text


def _text(node: Any) -> str:
    return "\n".join(filter(None, (paragraph_text(paragraph).strip() for paragraph in node.iter(f"{W}p"))))


def _part(document: Any, kind: str) -> Any:
    for relation in document.part.rels.values():
        if relation.reltype.endswith(f"/{kind}") and not relation.is_external:
            parse = library("docx.oxml", "documents", "reading DOCX").parse_xml
            return parse(relation.target_part.blob)
    return None
