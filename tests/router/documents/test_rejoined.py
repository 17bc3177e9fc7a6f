"""Tables that headings between their rows took apart."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from router.documents.element import Label, Word
from router.documents.geometry import Box
from router.documents.parse.assemble import Part
from router.documents.parse.rejoined import rejoined
from router.documents.table import grid_of

_LINE = 10.0


def piece(top: float, *rows: list[str], right: float = 500.0) -> Part:
    """A table of ``rows`` below ``top``, in lines of 10 points."""
    box = Box(100.0, top, right, top + _LINE * len(rows))
    grid = grid_of(rows)
    words = tuple(Word(text, Box(100.0, top, 120.0, top + _LINE)) for row in rows for text in row)
    return Part(Label.TABLE, grid.text, box, grid=grid, words=words, features={"area": 0.1})


def line(top: float, text: str = "Major", right: float = 200.0, label: Label = Label.TEXT) -> Part:
    """A line of text."""
    return Part(label, text, Box(100.0, top, right, top + _LINE), words=(Word(text, Box(0, 0, 1, 1)),))


UPPER = piece(100.0, ["Degree", "Share"], ["Public", "44"])
LOWER = piece(140.0, ["Business", "34"], ["Education", "37"])


def test_a_heading_between_rows_is_one_of_them() -> None:
    """The table is whole: its box, its rows in order, and all its words."""
    before, after = line(60.0, "Before"), line(300.0, "After")
    first, table, last = rejoined([before, UPPER, line(125.0), LOWER, after])
    assert (first, last) == (before, after)
    assert table.box == Box(100.0, 100.0, 500.0, 160.0)
    assert table.grid is not None
    assert [row[0] for row in table.grid.slots()] == ["Degree", "Public", "Major", "Business", "Education"]
    assert table.text == table.grid.text
    assert [word.text for word in table.words][4] == "Major"
    assert table.features["area"] == 0.2


def test_many_pieces_are_one_table() -> None:
    """One after the other, with a heading between or without."""
    third = piece(170.0, ["Men", "1"])
    assert len(rejoined([UPPER, LOWER, line(160.0, label=Label.SECTION_HEADER), third])) == 1


def test_what_is_no_heading_parts_tables() -> None:
    """Text across the table, far below it, or a picture; more than two lines, too."""
    for between in (line(125.0, right=480.0), line(165.0), replace(line(125.0), label=Label.PICTURE)):
        assert len(rejoined([UPPER, between, LOWER])) == 3
    assert len(rejoined([UPPER, *[line(125.0)] * 3, LOWER])) == 5


def test_a_caption_begins_another_table() -> None:
    """However alike the two are."""
    assert len(rejoined([UPPER, line(125.0, "Table 2: Men"), LOWER])) == 3


def test_other_tables_stay_apart() -> None:
    """With other columns, another right edge, too much between them, or above."""
    for lower in (
        piece(140.0, ["a", "b", "c"]),
        piece(140.0, ["a", "b"], right=520.0),
        piece(165.0, ["a", "b"]),
        piece(60.0, ["a", "b"]),
        replace(LOWER, grid=None),
        replace(LOWER, box=None),
    ):
        assert len(rejoined([UPPER, lower])) == 2


_PARTS = st.lists(
    st.one_of(
        st.builds(
            piece, st.floats(0, 300), st.just(["a", "b"]), right=st.sampled_from([500.0, 502.0, 600.0])
        ),
        st.builds(line, st.floats(0, 300), right=st.floats(150, 600)),
    ),
    max_size=8,
)


@given(_PARTS)
def test_nothing_is_lost_and_nothing_is_done_twice(parts: list[Part]) -> None:
    """Every word is there once, in its order, and a second time changes nothing."""
    once = rejoined(parts)
    assert [word for part in once for word in part.words] == [word for part in parts for word in part.words]
    assert rejoined(once) == once
