"""Stop strings: what is cut does not depend on how the text is divided, and nothing of it leaks."""

from hypothesis import given
from hypothesis import strategies as st

from backends.stop_strings import StopStrings

LETTERS = st.text("abc", max_size=30)
STOPS = st.lists(st.text("abc", min_size=1, max_size=4), max_size=3)


def cut(text: str, stops: list[str]) -> str:
    """The rule in one breath: the stop string complete first wins, the longest of several."""
    for end in range(1, len(text) + 1):
        matches = [stop for stop in stops if text[:end].endswith(stop)]
        if matches:
            return text[: end - max(map(len, matches))]
    return text


@given(st.lists(LETTERS, max_size=8), STOPS)
def test_streamed_equals_cut_whole(pieces: list[str], stops: list[str]) -> None:
    """However a text is divided, what comes out is the whole text cut at its first stop string."""
    stream = StopStrings(stops)
    streamed = "".join(stream.feed(piece) for piece in pieces) + stream.finish()
    assert streamed == cut("".join(pieces), stops)
    assert stream.string is None or "".join(pieces).startswith(streamed + stream.string)


@given(st.lists(LETTERS, max_size=8), STOPS)
def test_never_leaks_a_beginning(pieces: list[str], stops: list[str]) -> None:
    """What was released at any time is a beginning of the final text."""
    stream, released, final = StopStrings(stops), "", cut("".join(pieces), stops)
    for piece in pieces:
        released += stream.feed(piece)
        assert final.startswith(released)


def test_gives_nothing_after_the_cut() -> None:
    """Once a stop string was found the stream stays silent."""
    stream = StopStrings(["END"])
    assert stream.feed("a END b") == "a "
    assert stream.found
    assert stream.feed("c") + stream.finish() == ""


def test_releases_at_once_what_starts_no_stop_string() -> None:
    """Only the possible beginning of a stop string is held back."""
    stream = StopStrings(["<end>"])
    assert stream.feed("text<e") == "text"
    assert stream.feed("x") == "<ex"
