"""The headers by which a server's own logs and traces find a request again: ids, and nothing of it.

See https://www.w3.org/TR/trace-context/. ``x-request-id`` goes only where the id is a random UUID: servers
with Starlette's context middleware, llama-cpp-python's among them, answer 400 to any other.
``x-client-request-id`` is what OpenAI's API calls the caller's own id, and is taken in any form.
"""

from __future__ import annotations

import re

from backends.types import Terms

# Ids are made by callers too; what could break out of a header's line is not passed on.
_PLAIN = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def trace_headers(terms: Terms) -> dict[str, str]:
    """Make the headers of a request under ``terms``; none where it has no ids."""
    headers = {"x-client-request-id": terms.request_id, "traceparent": terms.traceparent}
    if _UUID.fullmatch(terms.request_id):
        headers["x-request-id"] = terms.request_id
    return {name: value for name, value in headers.items() if _PLAIN.fullmatch(value)}
