"""Small ways to open an engine on llama.cpp, and those to ask any engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from backends.llamacpp.engine.engine import Engine
from backends.llamacpp.options import LlamaCppOptions
from tests.backends.serving.driving import Answer, Answers, alone, ask, finish, prompts, work

__all__ = ["Answer", "Answers", "alone", "ask", "finish", "open_engine", "prompts", "work"]


def open_engine(path: Path, **options: Any) -> Engine:
    """A small engine on one thread; several chunks a prompt."""
    clock = {"clock": options.pop("clock")} if "clock" in options else {}
    defaults: dict[str, Any] = {
        "context_token_count": 256,
        "sequence_count": 4,
        "batch_token_count": 32,
        "thread_count": 1,
        "prefix_cache_mib": 0,
    }
    return Engine.open(path, LlamaCppOptions(model=str(path), **(defaults | options)), **clock)
