"""Calls of tools while they come in pieces, several side by side, as servers stream them.

Decides what makes a call: a name, and arguments joined in the order in which they came. An id that is
missing, given twice or of no use to others is made up, for nothing but the answer to the call names it. What
the arguments say is not looked at: a model may write nonsense, and whoever judges its answer tells.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field

from backends.errors import Unavailable
from backends.tools import ToolCall

# As many as a conversation may hold; a server that sends more never ends.
MAX_CALL_COUNT = 128
# What passes through every API that an answer to the call may be sent to.
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,128}")


@dataclass(slots=True)
class _Piece:
    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list)


class ToolCallPieces:
    """The calls of one answer; the server tells them apart by a number or by their ids."""

    def __init__(self) -> None:
        self._calls: dict[int, _Piece] = {}

    def __bool__(self) -> bool:
        return bool(self._calls)

    def add(self, index: int | None, call_id: str | None, name: str | None, arguments: str | None) -> None:
        """Take a piece of the call ``index``; None: of the one called ``call_id``, or of the last one.

        Raises Unavailable where there are more calls than any answer makes.
        """
        call = self._calls.setdefault(self._place(call_id) if index is None else index, _Piece())
        if len(self._calls) > MAX_CALL_COUNT:
            raise Unavailable(f"the server calls more than {MAX_CALL_COUNT} tools in one answer")
        call.id = call.id or call_id or ""
        call.name = call.name or name or ""
        if arguments:
            call.arguments.append(arguments)

    def replace_arguments(self, index: int, arguments: str) -> None:
        """Take the arguments of the call ``index`` as a whole, where the server repeats them."""
        if index in self._calls:
            self._calls[index].arguments = [arguments]

    def finish(self) -> tuple[ToolCall, ...]:
        """Return the calls, in the order in which they began. Raises Unavailable where one names no tool."""
        seen: set[str] = set()
        calls = []
        for piece in self._calls.values():
            if not _NAME.fullmatch(piece.name):
                said = f"{len(piece.name)} characters" if piece.name else "nothing"
                raise Unavailable(f"the server calls a tool whose name is {said}, which none can have")
            usable = _ID.fullmatch(piece.id) and piece.id not in seen
            call = ToolCall(
                piece.id if usable else new_call_id(), piece.name, "".join(piece.arguments) or "{}"
            )
            seen.add(call.id)
            calls.append(call)
        self._calls.clear()
        return tuple(calls)

    def _place(self, call_id: str | None) -> int:
        last = max(self._calls, default=0)
        if not self._calls or not call_id:
            return last
        known = (place for place, call in self._calls.items() if call.id == call_id)
        return next(known, last + 1)


def new_call_id() -> str:
    """Name a call as its server should have."""
    return f"call_{secrets.token_hex(12)}"
