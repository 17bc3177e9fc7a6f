"""Server-sent events from bytes to data, without any I/O.

Follows the WHATWG HTML standard, section 9.2 "Server-sent events", as far as chat APIs use it:
lines end in LF, CRLF or CR and nowhere else (JSON may hold U+2028, where ``str.splitlines``
breaks), ``data`` fields of one event are joined by newlines, comments and other fields are skipped.
"""

from __future__ import annotations

import re

_LINE_END = re.compile(rb"\r\n|\n|\r")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class EventTooLong(ValueError):
    """A single event is longer than any chat API's would be."""


class EventParser:
    """Takes the bytes of a stream in pieces of any size and gives the data of its events."""

    def __init__(self, *, max_event_byte_count: int = 2**20) -> None:
        self._max_event_byte_count = max_event_byte_count
        self._rest = b""
        self._data: list[bytes] = []
        self._at_start = True

    def feed(self, piece: bytes) -> list[str]:
        """Return the data of every event that ``piece`` completes; raises EventTooLong."""
        events = []
        lines, self._rest = self._lines(self._rest + piece)
        for line in lines:
            if line:
                self._take(line)
            elif self._data:
                events.append(b"\n".join(self._data).decode(errors="replace"))
                self._data = []
        if len(self._rest) + sum(map(len, self._data)) > self._max_event_byte_count:
            raise EventTooLong(f"an event is longer than {self._max_event_byte_count} bytes")
        return events

    def _lines(self, text: bytes) -> tuple[list[bytes], bytes]:
        # A CR at the very end may be the first half of a CRLF.
        complete = text[:-1] if text.endswith(b"\r") else text
        *lines, rest = _LINE_END.split(complete)
        return lines, rest + text[len(complete) :]

    def _take(self, line: bytes) -> None:
        if self._at_start:
            line = line.removeprefix(_BYTE_ORDER_MARK)
            self._at_start = False
        field, _, value = line.partition(b":")
        if field == b"data":
            self._data.append(value.removeprefix(b" "))
