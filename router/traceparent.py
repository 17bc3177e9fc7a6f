"""W3C Trace Context: which trace a request belongs to, and which span of it is whose child.

Decides the form of ids and how those of attempts follow from their request's, so that who calls a tier and
who tells of the call need not meet. Refuses to know what is done with spans.
See https://www.w3.org/TR/trace-context/, version 00.
"""

from __future__ import annotations

import hashlib
import random
import re
from dataclasses import dataclass
from typing import Self

_FORM = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_SAMPLED = 1


@dataclass(frozen=True, slots=True)
class Span:
    """A place in a trace: ids as hexadecimal digits, and whether the trace is recorded."""

    trace_id: str
    span_id: str
    is_sampled: bool

    @classmethod
    def parse(cls, traceparent: str) -> Self | None:
        """Read a header; None where it is none, or names the invalid id 0."""
        found = _FORM.fullmatch(traceparent)
        if found is None or not int(found[1], 16) or not int(found[2], 16):
            return None
        return cls(found[1], found[2], bool(int(found[3], 16) & _SAMPLED))

    @classmethod
    def root(cls, *, is_sampled: bool) -> Self:
        """Begin a trace."""
        return cls(_hex(128), _hex(64), is_sampled)

    def child(self) -> Span:
        """Make a span below this one."""
        return Span(self.trace_id, _hex(64), self.is_sampled)

    def attempt(self, number: int) -> Span:
        """Return the span of a request's attempt, always the same one; ``self`` is the request's."""
        seed = f"{self.trace_id}{self.span_id}{number}".encode()
        return Span(self.trace_id, hashlib.blake2b(seed, digest_size=8).hexdigest(), self.is_sampled)

    def __str__(self) -> str:
        """Write the header."""
        return f"00-{self.trace_id}-{self.span_id}-{'01' if self.is_sampled else '00'}"


def _hex(bit_count: int) -> str:
    """Random hexadecimal digits; not a secret, and drawing those of one takes a system call."""
    return f"{random.getrandbits(bit_count):0{bit_count // 4}x}"


def trace_id_of(traceparent: str) -> str:
    """The trace's id, "" where ``traceparent`` is none."""
    found = _FORM.fullmatch(traceparent)
    return "" if found is None else found[1]
