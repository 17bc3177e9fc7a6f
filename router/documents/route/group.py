"""Kinds of elements that are routed alike; policies name them."""

from __future__ import annotations

from enum import StrEnum

from router.documents.element import Element, Label


class Group(StrEnum):
    """What policies match on."""

    STRUCTURED = "structured"
    """Any element of a format that says itself what its parts are: DOCX, HTML, Markdown."""
    TEXT = "text"
    """Running text, headings, lists and captions with a text layer."""
    TABLE = "table"
    """Tables on a page with a text layer."""
    SCAN = "scan"
    """What is there as a picture only and must be read from it."""
    CODE = "code"
    """Code on a page."""
    FORMULA = "formula"
    """Formulas on a page."""
    FORM = "form"
    """Fields of a form with their values."""
    PICTURE = "picture"
    """Pictures and charts."""


_BY_LABEL = {
    Label.TABLE: Group.TABLE,
    Label.CODE: Group.CODE,
    Label.FORMULA: Group.FORMULA,
    Label.FORM: Group.FORM,
    Label.PICTURE: Group.PICTURE,
    Label.CHART: Group.PICTURE,
}


def group_of(element: Element) -> Group:
    """The group of an element."""
    if element.provenance.box is None:
        return Group.STRUCTURED
    group = _BY_LABEL.get(element.label, Group.TEXT)
    return Group.SCAN if group is not Group.PICTURE and element.native is None else group
