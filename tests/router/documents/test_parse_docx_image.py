"""DOCX and pictures, split; archives that are no good."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import docx
import pytest
from lxml import etree

from router.documents.element import Label
from router.documents.errors import Broken, Encrypted, TooLarge, Unsupported
from router.documents.limits import Limits
from router.documents.parse.omml import latex
from tests.router.documents.conftest import Split
from tests.router.documents.files import picture_of


def _docx() -> bytes:
    document = docx.Document()
    document.add_heading("Report", 0)
    document.add_heading("Part", 1)
    document.add_paragraph("Some text.")
    document.add_paragraph("first", style="List Number")
    document.add_paragraph("second", style="List Number")
    grid = document.add_table(2, 3)
    for index, cell in enumerate(grid.rows[0].cells):
        cell.text = f"h{index}"
    grid.cell(1, 0).merge(grid.cell(1, 1)).text = "wide"
    written = io.BytesIO()
    document.save(written)
    return written.getvalue()


def _archive(**members: bytes) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name.replace("__", "/"), data)
    return written.getvalue()


def test_docx_has_styles_lists_and_spans(split: Split) -> None:
    """Headings come from styles, marks from numbering, spans from merged cells."""
    (page,) = split("a.docx", _docx())
    assert [(str(e.label), e.marker, e.native.text if e.native else "") for e in page.elements] == [
        ("title", "", "Report"),
        ("section_header", "", "Part"),
        ("text", "", "Some text."),
        ("list_item", "1.", "first"),
        ("list_item", "2.", "second"),
        ("table", "", "h0\th1\th2\nwide\twide"),
    ]


def test_zip_bombs_are_refused_before_they_unpack(split: Split) -> None:
    """A DOCX that weighs little and unpacks to much is counted, not believed."""
    bomb = _archive(**{"word__document.xml": b"<a/>", "word__x.bin": b"\0" * 300_000_000})
    with pytest.raises(TooLarge, match="unpacked"):
        split("a.docx", bomb, Limits(expanded_bytes=50_000_000))


def test_entity_bombs_do_no_harm(split: Split) -> None:
    """Entities that multiply are refused by the parser."""
    lol = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    xml = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "lol">{lol}]><x>&l9;</x>'.encode()
    with pytest.raises(Broken, match="does not hold together"):
        split("a.docx", _archive(**{"word__document.xml": xml, "[Content_Types].xml": xml}))


def test_damaged_archives_are_refused(split: Split) -> None:
    """A DOCX cut in the middle says that it is damaged."""
    with pytest.raises(Broken, match="archive"):
        split("a.docx", _docx()[:-400])


def test_encrypted_office_files_say_so(split: Split) -> None:
    """Office wraps an encrypted file in another format, which is told apart."""
    with pytest.raises(Encrypted, match="password"):
        split(
            "a.docx",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le"),
        )


@pytest.mark.parametrize(
    ("name", "member"), [("a.xlsx", "xl__workbook.xml"), ("a.pptx", "ppt__presentation.xml")]
)
def test_other_formats_say_what_is_read(split: Split, name: str, member: str) -> None:
    """What is not supported is named, beside what is."""
    with pytest.raises(Unsupported, match="PDF, DOCX, HTML, Markdown and images are read"):
        split(name, _archive(**{member: b"<a/>"}))


def test_a_picture_is_one_element(split: Split) -> None:
    """Its size is in points by its own resolution."""
    (page,) = split("a.png", picture_of(["Hello"], size=(1000, 700)))
    (element,) = page.elements
    assert (element.label, element.native) == (Label.TEXT, None)
    assert page.width == pytest.approx(480, abs=0.5)
    assert page.height == pytest.approx(336, abs=0.5)


def test_frames_are_pages(split: Split) -> None:
    """A TIFF of two frames has two pages."""
    from PIL import Image

    written = io.BytesIO()
    frames = [Image.new("L", (80, 60), shade) for shade in (0, 255)]
    frames[0].save(written, "TIFF", save_all=True, append_images=frames[1:])
    assert [page.number for page in split("a.tiff", written.getvalue())] == [1, 2]


def test_pictures_of_too_many_pixels(split: Split) -> None:
    """Pixels are counted before they are decoded."""
    with pytest.raises(TooLarge, match="page 1: 1000 by 700 pixels"):
        split("a.png", picture_of(["x"], size=(1000, 700)), Limits(pixels=100_000))


def test_cut_pictures_are_refused(split: Split) -> None:
    """Half a PNG is broken, on its page."""
    with pytest.raises(Broken, match="page 1"):
        split("a.png", picture_of(["x"])[:900])


def test_empty_files(split: Split) -> None:
    """Nothing is no document."""
    with pytest.raises(Broken, match="empty"):
        split("a.pdf", b"")


def _math(inside: str) -> Any:
    space = 'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'
    return etree.fromstring(f"<m:oMath {space}>{inside}</m:oMath>")


def _run(text: str) -> str:
    return f"<m:r><m:t>{text}</m:t></m:r>"


@pytest.mark.parametrize(
    ("inside", "wanted"),
    [
        (f"{_run('r')}{_run('=1')}", "r=1"),
        (f"<m:sSup><m:e>{_run('r')}</m:e><m:sup>{_run('2')}</m:sup></m:sSup>", "r^{2}"),
        (f"<m:f><m:num>{_run('a')}</m:num><m:den>{_run('2')}</m:den></m:f>", r"\frac{a}{2}"),
        (f"<m:rad><m:deg/><m:e>{_run('x')}</m:e></m:rad>", r"\sqrt{x}"),
        (f"<m:d><m:e>{_run('a')}</m:e></m:d>", "(a)"),
        (f"<m:nary><m:sub>{_run('i')}</m:sub><m:sup/><m:e>{_run('x')}</m:e></m:nary>", r"\int_{i} x"),
    ],
)
def test_equations_keep_their_meaning(inside: str, wanted: str) -> None:
    """Squares stay squares, and fractions fractions."""
    assert latex(_math(inside)) == wanted
