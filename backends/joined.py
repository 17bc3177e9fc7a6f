"""Pieces of an answer that came together, joined: what lies above is then asked once and not for each.

Every stage that a piece goes through, up to the caller's socket, is paid for by the piece. Servers that are
faster than their reader send many at once.
"""

from __future__ import annotations

from backends.tools import ToolCall
from backends.types import Delta, TokenLogprob


class Joined:
    """Gathers deltas; true while it holds any that tells something."""

    def __init__(self) -> None:
        self._deltas: list[Delta] = []

    def __bool__(self) -> bool:
        return bool(self._deltas)

    def add(self, delta: Delta) -> None:
        """Add a piece; one that is empty counts for nothing."""
        if not delta.is_empty:
            self._deltas.append(delta)

    def take(self) -> Delta:
        """Return all as one, an empty delta where there is none, and hold nothing."""
        deltas, self._deltas = self._deltas, []
        if len(deltas) == 1:
            return deltas[0]
        tokens: list[TokenLogprob] = []
        calls: list[ToolCall] = []
        for delta in deltas:
            tokens += delta.tokens
            calls += delta.tool_calls
        return Delta(
            "".join([delta.text for delta in deltas]),
            "".join([delta.reasoning for delta in deltas]),
            tuple(tokens),
            tuple(calls),
            len(deltas) or 1,
        )
