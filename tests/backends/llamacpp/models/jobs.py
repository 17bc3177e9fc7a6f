"""A job that ends as it is told: answers, refuses, or dies as llama.cpp does."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Mapping
from typing import Any

from backends.errors import Refused, Unavailable
from backends.llamacpp.models.child import serve_job
from backends.llamacpp.models.progress import Progress

NAME = "tests.backends.llamacpp.models.jobs"


def _job(request: Mapping[str, Any], progress: Progress) -> Mapping[str, Any]:
    progress("working", 1, 2)
    # A library that prints where it likes.
    ctypes.CDLL(None).puts(b"not a line of JSON")
    match request["how"]:
        case "answer":
            return {"echo": request["value"]}
        case "refuse":
            raise Refused("it is refused")
        case "unavailable":
            raise Unavailable("it is unavailable")
        case "assert":
            print("noise\nggml.c:1: GGML_ASSERT(n_rot == n_head) failed", file=sys.stderr, flush=True)
            os.abort()
        case _:
            raise ValueError("a mistake of ours")


if __name__ == "__main__":
    serve_job(_job)
