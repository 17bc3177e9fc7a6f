"""What is asked, read from the command line's words and files."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from router.cli.failure import ExitCode, Fault


def read_prompt(word: str) -> str:
    """Return the prompt; ``-`` reads it from standard input."""
    try:
        text = sys.stdin.read().strip() if word == "-" else word
        text.encode()  # a byte that is no UTF-8 becomes a lone surrogate in some locales
    except UnicodeError as exc:
        raise Fault("the prompt is not UTF-8 text", code=ExitCode.WRONG, reason="PROMPT_ENCODING") from exc
    if not text.strip():
        raise Fault("the prompt is empty", code=ExitCode.WRONG, reason="PROMPT_EMPTY")
    return text


def read_schema(path: Path | None) -> Any:
    """Read a JSON Schema; None where none is asked for."""
    if path is None:
        return None
    try:
        schema = json.loads(path.read_text(encoding="utf-8"))
    except OSError as exc:
        raise _unreadable(path, exc.strerror or str(exc)) from exc
    except (ValueError, RecursionError) as exc:
        raise _unreadable(path, str(exc)) from exc
    if not isinstance(schema, dict):
        raise _unreadable(path, "a JSON Schema is an object")
    return schema


def _unreadable(path: Path, why: str) -> Fault:
    return Fault(f"{path} is no readable JSON Schema: {why}", code=ExitCode.WRONG, reason="SCHEMA_UNREADABLE")
