"""E-mail addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar

from policies.pii.base import Span

# RFC 5321 allows 64 characters before the sign and 255 behind it; letters of all scripts (RFC 6531).
_DOMAIN = re.compile(
    r"@(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}(?:xn--[a-z0-9-]{2,59}|[^\W\d_]{2,24})(?![\w(])"
)
_LOCAL_LENGTH = 64
_BACKWARDS = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}")
# They may stand in an address, but at its edge they are more likely what it stands in.
_EDGES = ".'*`{|}=/?&#!^~%+"
_SCALE = re.compile(r"@[1-9](?:\.\d)?x\.(?:png|jpe?g|gif|svg|webp|avif|bmp|ico)$", re.IGNORECASE)
"""Ends of names of pictures for dense screens, such as icon@2x.png."""


class Email:
    """Addresses as they are written in practice: no quoted local parts, a domain with a dot."""

    kind: ClassVar[str] = "email"

    def find(self, text: str) -> Iterator[Span]:
        """Yield addresses; the work at each sign is bounded by their greatest lengths."""
        free = 0
        for domain in _DOMAIN.finditer(text):
            before = text[max(domain.start() - _LOCAL_LENGTH, free) : domain.start()]
            local = _BACKWARDS.match(before[::-1])
            if local is None or _SCALE.match(domain[0]):
                continue
            written = local[0][::-1].lstrip(_EDGES)
            # git@host:path is how repositories are named, and nobody's address.
            if not written or written[-1] == "." or (written == "git" and text.startswith(":", domain.end())):
                continue
            yield domain.start() - len(written), domain.end()
            free = domain.end()
