"""Pieces that came together."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from backends.joined import Joined
from backends.tools import ToolCall
from backends.types import Delta, TokenLogprob

TOKENS = st.lists(st.builds(TokenLogprob, st.text(max_size=3), st.just(-1.0)), max_size=2).map(tuple)
CALLS = st.lists(st.builds(ToolCall, st.just("1"), st.just("f"), st.just("{}")), max_size=1).map(tuple)
DELTAS = st.lists(st.builds(Delta, st.text(max_size=3), st.text(max_size=3), TOKENS, CALLS), max_size=5)


@given(DELTAS)
def test_joining_loses_nothing(deltas: list[Delta]) -> None:
    """Text, reasoning, tokens and calls stay whole and in order, and the pieces that told something count."""
    joined = Joined()
    for delta in deltas:
        joined.add(delta)
    telling = [delta for delta in deltas if not delta.is_empty]
    assert bool(joined) is bool(telling)
    one = joined.take()
    assert one.text == "".join(delta.text for delta in deltas)
    assert one.reasoning == "".join(delta.reasoning for delta in deltas)
    assert one.tokens == tuple(token for delta in deltas for token in delta.tokens)
    assert one.tool_calls == tuple(call for delta in deltas for call in delta.tool_calls)
    assert one.piece_count == max(1, len(telling))
    assert not joined
    assert joined.take() == Delta()
