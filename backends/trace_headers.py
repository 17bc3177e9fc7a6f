"""The headers by which a server's own logs and traces find a request again: two ids, and nothing of it.

See https://www.w3.org/TR/trace-context/.
"""

from __future__ import annotations

import re

from backends.types import Terms

# Ids are made by callers too; what could break out of a header's line is not passed on.
_PLAIN = re.compile(r"[A-Za-z0-9_.:-]{1,128}")


def trace_headers(terms: Terms) -> dict[str, str]:
    """Make the headers of a request under ``terms``; none where it has no ids."""
    headers = {"x-request-id": terms.request_id, "traceparent": terms.traceparent}
    return {name: value for name, value in headers.items() if _PLAIN.fullmatch(value)}
