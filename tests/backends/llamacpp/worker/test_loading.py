"""Loads beside the engine thread: one at a time, in order, and nothing stays behind."""

from __future__ import annotations

import threading
from pathlib import Path
from queue import SimpleQueue

from backends.llamacpp.engine.engine import Engine
from backends.llamacpp.options import LlamaCppOptions
from backends.llamacpp.worker.loading import Landed, Loader
from backends.llamacpp.worker.messages import Open


def test_a_load_leaves_no_thread_behind(tiny_gguf: Path) -> None:
    """A thread that has computed keeps threads of OpenMP's, which slow down the engine's."""
    landed: SimpleQueue[Landed] = SimpleQueue()
    loader = Loader(landed.put)
    options = LlamaCppOptions(model=str(tiny_gguf), context_token_count=16, sequence_count=1, thread_count=1)
    for name in ("first", "second"):
        loader.begin(Open(name, str(tiny_gguf), options))
    outcomes = [landed.get(), landed.get()]
    for thread in threading.enumerate():
        if thread.name == "loader":
            thread.join()
    assert [one.model for one in outcomes] == ["first", "second"]
    assert not any(thread.name == "loader" for thread in threading.enumerate())
    for one in outcomes:
        assert isinstance(one.outcome, Engine)
        one.outcome.close()
