"""Server-sent events: any division of the bytes gives the same events."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.sse import EventParser, EventTooLong


def parse(data: bytes, length: int) -> list[str]:
    """Feed ``data`` in pieces of ``length`` bytes."""
    parser = EventParser()
    return [
        event for start in range(0, len(data), length) for event in parser.feed(data[start : start + length])
    ]


@given(
    st.lists(st.text(max_size=20).map(lambda text: json.dumps(text, ensure_ascii=False)), max_size=5),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.integers(1, 7),
)
def test_gives_every_event_whole(values: list[str], line_end: str, length: int) -> None:
    """Any JSON value survives, U+2028 and split characters included, under every line ending."""
    lines = "".join(f": comment{line_end}data: {value}{line_end}{line_end}" for value in values)
    # A CR at the very end may be half of a CRLF; what follows decides.
    assert parse((lines + ":").encode(), length) == values


@given(st.binary(max_size=60), st.integers(1, 5))
def test_division_does_not_matter(data: bytes, length: int) -> None:
    """Pieces of any size give what the whole stream gives, for any bytes."""
    assert parse(data, length) == parse(data, len(data) or 1)


def test_joins_data_lines_and_skips_other_fields() -> None:
    """Several data fields are one event; ids, names, unknown fields and a byte order mark are not data."""
    assert parse(b"\xef\xbb\xbfdata: a\nid: 1\nevent: x\ndata:b\nfoo\n\n\n", 3) == ["a\nb"]


@given(st.lists(st.binary(min_size=1, max_size=3), max_size=200))
def test_many_small_pieces_make_one_line(pieces: list[bytes]) -> None:
    """A line that comes in crumbs is the line that comes at once."""
    crumbs = [piece.translate(None, b"\r\n") for piece in pieces]
    parser = EventParser()
    for crumb in (b"data: ", *crumbs):
        assert parser.feed(crumb) == []
    assert parser.feed(b"\n\n") == [b"".join(crumbs).decode(errors="replace")]


def test_bounds_an_event() -> None:
    """A stream without line ends cannot fill the memory."""
    parser = EventParser(max_event_byte_count=10)
    with pytest.raises(EventTooLong):
        parser.feed(b"data: 0123456789")
