"""PDF, split."""

from __future__ import annotations

import io

import pytest

from router.documents.element import Label
from router.documents.errors import Broken, Encrypted, TooLarge
from router.documents.limits import Limits
from tests.router.documents.conftest import Split
from tests.router.documents.files import Line, Sheet, jpeg_of, pdf, picture_of, prose, table

ROWS = [["Item", "Count", "Price"], ["Apples", "3", "1.20"], ["Pears", "5", "2.50"], ["Plums", "10", "4.75"]]


def test_text_has_its_place(split: Split) -> None:
    """Every sentence is found, with a box around it, counted from the upper left corner."""
    (page,) = split("a.pdf", pdf([Sheet(prose(1))]))
    (element,) = [element for element in page.elements if element.label is Label.TEXT]
    box = element.provenance.box
    assert element.native is not None
    assert element.native.text == prose(1)[0].text
    assert box is not None
    assert 60 < box.left < 80
    assert 842 - 735 < box.top < 842 - 715
    assert [word.text for word in element.words][:3] == ["The", "river", "rises"]


def test_tables_keep_their_words(split: Split) -> None:
    """A table is one element with a box, and the words in it."""
    (page,) = split("a.pdf", pdf([Sheet((*prose(2), *table(ROWS)))]))
    (found,) = [element for element in page.elements if element.label is Label.TABLE]
    assert {"Apples", "2.50"} <= {word.text for word in found.words}


def test_every_character_is_used_once(split: Split) -> None:
    """What the text layer says is in some element, and in one only."""
    (page,) = split("a.pdf", pdf([Sheet((*prose(4), *table(ROWS)))]))
    said = "".join(element.native.text for element in page.elements if element.native)
    assert sorted("".join(said.split())) == sorted("".join(page.source_text.split()))


def test_scans_are_one_element_without_text(split: Split) -> None:
    """A page that is only a picture has nothing to say until somebody looks."""
    image = jpeg_of(picture_of(["Hello"], size=(595, 842)))
    (page,) = split("a.pdf", pdf([Sheet(picture=image, picture_size=(595, 842))]))
    (element,) = page.elements
    assert (element.native, element.features["scan"]) == (None, 1.0)


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_rotated_pages_keep_their_words(split: Split, rotation: int) -> None:
    """However the page lies, its words are there."""
    (page,) = split("a.pdf", pdf([Sheet(prose(2), rotation=rotation)]))
    assert {"river", "ferry"} <= set(page.source_text.split())
    assert (page.width, page.height) == ((842, 595) if rotation in (90, 270) else (595, 842))


def test_garbled_fonts_are_noticed(split: Split) -> None:
    """A character map that is wrong gives letters that make no words."""
    (right,) = split("a.pdf", pdf([Sheet(prose(4))]))
    (wrong,) = split("b.pdf", pdf([Sheet(prose(4))], to_unicode=shifted()))
    assert right.features["plausibility"] > 0.9
    assert wrong.features["plausibility"] < 0.7


def test_encrypted_files_say_so(split: Split) -> None:
    """A password is asked for by name, not by a parser's error."""
    locked = (
        "/Encrypt << /Filter /Standard /V 1 /R 2 /O <" + "41" * 32 + "> /U <" + "42" * 32 + "> /P -4 >> "
        "/ID [<00> <00>]"
    )
    with pytest.raises(Encrypted, match="password"):
        split("a.pdf", pdf([Sheet(prose())], extra=locked))


def test_broken_files_say_so(split: Split) -> None:
    """Half a PDF is refused."""
    with pytest.raises(Broken, match="cannot be opened"):
        split("a.pdf", pdf([Sheet(prose())])[:200])


def test_too_many_pages(split: Split) -> None:
    """The limit and the number are named."""
    with pytest.raises(TooLarge, match="3 pages, more than the 2"):
        split("a.pdf", pdf([Sheet(prose())] * 3), Limits(pages=2))


def test_huge_pages_are_refused_by_number(split: Split) -> None:
    """A page that is kilometres wide is an attack, and named."""
    with pytest.raises(TooLarge, match="page 2: 900000"):
        split("a.pdf", pdf([Sheet(prose()), Sheet(prose(), width=900_000)]))


def test_left_over_words_are_kept(split: Split) -> None:
    """Text anywhere on the page ends up in an element."""
    lines = (*prose(3), Line("margin note", x=10, y=30, size=6))
    (page,) = split("a.pdf", pdf([Sheet(lines)]))
    assert any("margin note" in element.native.text for element in page.elements if element.native)


def shifted() -> str:
    """A CMap that says each letter is the fourth after it, as a wrong one would."""
    lines = io.StringIO()
    codes = [*range(65, 91), *range(97, 123)]
    for code in codes:
        base = 65 if code < 97 else 97
        lines.write(f"<{code:02x}> <{base + (code - base + 4) % 26:04x}>\n")
    return (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def /CMapType 2 def\n"
        "1 begincodespacerange <00> <ff> endcodespacerange\n"
        f"{len(codes)} beginbfchar\n{lines.getvalue()}endbfchar\n"
        "endcmap CMapName currentdict /CMap defineresource pop end end"
    )
