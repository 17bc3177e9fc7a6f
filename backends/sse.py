"""Server-sent events from bytes to data, without any I/O.

Follows the WHATWG HTML standard, section 9.2 "Server-sent events", as far as chat APIs use it:
lines end in LF, CRLF or CR and nowhere else (JSON may hold U+2028, where ``str.splitlines``
breaks), ``data`` fields of one event are joined by newlines, comments and other fields are skipped.
"""

from __future__ import annotations

import re

_LINE_END = re.compile(rb"\r\n|\n|\r")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# A line that comes in more pieces than this is joined in between.
_MAX_PIECE_COUNT = 64


class EventTooLong(ValueError):
    """A single event is longer than any chat API's would be."""


class EventParser:
    """Takes the bytes of a stream in pieces of any size and gives the data of its events."""

    def __init__(self, *, max_event_byte_count: int = 2**20) -> None:
        self._max_event_byte_count = max_event_byte_count
        self._carriage_return = b""
        self._line: list[bytes] = []
        self._data: list[bytes] = []
        self._held_byte_count = 0
        self._at_start = True

    def feed(self, piece: bytes) -> list[str]:
        """Return the data of every event that ``piece`` completes; raises EventTooLong.

        Takes time in proportion to ``piece``, however long the event is that it belongs to.
        """
        events = []
        for line in self._lines(piece):
            if line:
                self._take(line)
            elif self._data:
                events.append(b"\n".join(self._data).decode(errors="replace"))
                self._data = []
                self._held_byte_count = 0
        if self._held_byte_count + sum(map(len, self._line)) > self._max_event_byte_count:
            raise EventTooLong(f"an event is longer than {self._max_event_byte_count} bytes")
        return events

    def _lines(self, piece: bytes) -> list[bytes]:
        """Return the lines that ``piece`` completes, and hold what it begins."""
        text = self._carriage_return + piece
        # A CR at the very end may be the first half of a CRLF.
        self._carriage_return = text[-1:] if text.endswith(b"\r") else b""
        first, *others = _LINE_END.split(text.removesuffix(b"\r"))
        self._line.append(first)
        if not others:
            if len(self._line) > _MAX_PIECE_COUNT:
                self._line = [b"".join(self._line)]
            return []
        lines = [b"".join(self._line), *others[:-1]]
        self._line = [others[-1]]
        return lines

    def _take(self, line: bytes) -> None:
        if self._at_start:
            line = line.removeprefix(_BYTE_ORDER_MARK)
            self._at_start = False
        field, _, value = line.partition(b":")
        if field == b"data":
            self._data.append(value.removeprefix(b" "))
            self._held_byte_count += len(value)
