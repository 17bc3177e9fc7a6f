"""Pieces of calls become calls, however servers cut them."""

from __future__ import annotations

import pytest

from backends.errors import Unavailable
from backends.tool_call_pieces import MAX_CALL_COUNT, ToolCallPieces
from backends.tools import ToolCall


def test_pieces_side_by_side_are_told_apart() -> None:
    """Arguments are joined by the number of their call, and calls stand in the order of their beginnings."""
    pieces = ToolCallPieces()
    pieces.add(0, "a", "f", "")
    pieces.add(1, "b", "g", '{"x"')
    pieces.add(0, None, None, "{")
    pieces.add(1, None, None, ": 1}")
    pieces.add(0, None, None, "}")
    assert pieces.finish() == (ToolCall("a", "f", "{}"), ToolCall("b", "g", '{"x": 1}'))
    assert pieces.finish() == ()


def test_a_server_without_numbers_is_followed_by_its_ids() -> None:
    """A new id begins a new call; a piece without any belongs to the last one."""
    pieces = ToolCallPieces()
    pieces.add(None, "a", "f", "{")
    pieces.add(None, None, None, "}")
    pieces.add(None, "b", "g", "[")
    pieces.add(None, "b", None, "]")
    assert pieces.finish() == (ToolCall("a", "f", "{}"), ToolCall("b", "g", "[]"))


@pytest.mark.parametrize("given", [(None, ""), ("a", "a"), ("a b", "é"), ("x" * 65, "")])
def test_ids_that_are_of_no_use_are_made_up(given: tuple[str | None, str]) -> None:
    """Every call ends up with an id of its own that passes everywhere."""
    pieces = ToolCallPieces()
    for index, call_id in enumerate(given):
        pieces.add(index, call_id, "f", None)
    calls = pieces.finish()
    assert len({call.id for call in calls}) == 2
    assert calls[1].id.startswith("call_")


def test_a_call_without_arguments_has_none() -> None:
    """Nothing is not JSON; an object without members is."""
    pieces = ToolCallPieces()
    pieces.add(0, "a", "f", None)
    assert pieces.finish()[0].arguments == "{}"


def test_malformed_arguments_are_passed_on() -> None:
    """What the model wrote is for others to judge."""
    pieces = ToolCallPieces()
    pieces.add(0, "a", "f", "{oops")
    assert pieces.finish()[0].arguments == "{oops"


@pytest.mark.parametrize("name", [None, "", "a b", "x" * 129])
def test_a_call_of_nothing_is_no_answer(name: str | None) -> None:
    """Whoever calls what no tool can be called talks nonsense, and it is not repeated."""
    pieces = ToolCallPieces()
    pieces.add(0, "a", name, "{}")
    with pytest.raises(Unavailable, match="whose name") as caught:
        pieces.finish()
    assert "a b" not in str(caught.value)


def test_calls_are_bounded() -> None:
    """A server that begins calls without end is stopped."""
    pieces = ToolCallPieces()
    for index in range(MAX_CALL_COUNT):
        pieces.add(index, None, "f", None)
    with pytest.raises(Unavailable, match="more than"):
        pieces.add(MAX_CALL_COUNT, None, "f", None)
