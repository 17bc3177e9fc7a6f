"""LoRA adapters of one model, loaded and dropped while it serves.

llama.cpp applies an adapter to a context as a whole, so a step computes answers of one adapter only.
"""

from __future__ import annotations

import ctypes
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import llama_cpp

from backends.errors import Unavailable
from backends.llamacpp.native import Native


@dataclass(frozen=True, slots=True)
class Adapter:
    """A loaded adapter; ``key`` tells its contents from all others."""

    pointer: Any
    scale: float
    key: str


class Adapters:
    """The adapters by name; None is the bare model."""

    def __init__(self, native: Native) -> None:
        self._native = native
        self._adapters: dict[str, Adapter] = {}
        self._used: str | None = None

    def __contains__(self, name: str | None) -> bool:
        return name is None or name in self._adapters

    def key(self, name: str | None) -> str | None:
        """Key of adapter ``name``: what was computed with it serves no other. None for the bare model."""
        return None if name is None else self._adapters[name].key

    def open(self, path: Path, scale: float) -> Adapter:
        """Load an adapter; raises Unavailable where it is none of this model."""
        pointer = llama_cpp.llama_adapter_lora_init(self._native.model, str(path).encode())
        if not pointer:
            raise Unavailable(
                f"llama.cpp cannot load the adapter {path}; it must be a GGUF file made for this model"
            )
        digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        return Adapter(pointer, scale, f"{digest}@{scale}")

    def add(self, name: str, adapter: Adapter) -> None:
        """Let ``adapter`` be known as ``name``."""
        self._adapters[name] = adapter

    def remove(self, name: str) -> None:
        """Drop adapter ``name``, if there is one; nothing may be computed with it any more."""
        adapter = self._adapters.pop(name, None)
        if adapter is not None:
            if self._used == name:
                self.use(None)
            llama_cpp.llama_adapter_lora_free(adapter.pointer)

    def use(self, name: str | None) -> None:
        """Compute with adapter ``name`` from now on. A change takes 0.1 ms."""
        if name == self._used:
            return
        chosen = [] if name is None else [self._adapters[name]]
        pointers = (llama_cpp.llama_adapter_lora_p_ctypes * 1)(*(adapter.pointer for adapter in chosen))
        scales = (ctypes.c_float * 1)(*(adapter.scale for adapter in chosen))
        llama_cpp.llama_set_adapters_lora(self._native.context, pointers, len(chosen), scales)
        self._used = name
