"""The prefix cache as a whole: in memory, and behind that on disk where the options name a folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import llama_cpp

from backends.llamacpp.engine.disk_cache import DiskCache
from backends.llamacpp.engine.slots import State
from backends.llamacpp.models.digest import sha256_of
from backends.llamacpp.native import Native
from backends.llamacpp.options import LlamaCppOptions
from backends.serving.prefix_cache import Match, PrefixCache

# Reading a file takes ten times as long as copying memory, and a token fifty times as long as its part.
_LEAST_GAIN = 16


class PrefixTiers:
    """Looks first in ``memory``, then on ``disk`` (None: there is none), for more."""

    def __init__(self, memory: PrefixCache[State], disk: DiskCache | None = None) -> None:
        self._memory = memory
        self._disk = disk

    @classmethod
    def open(cls, path: Path, native: Native, options: LlamaCppOptions) -> PrefixTiers:
        """Open the tiers for the model at ``path``; raises Unavailable where the folder cannot be used."""
        memory: PrefixCache[State] = PrefixCache(options.prefix_cache_mib * 2**20)
        if options.prefix_cache_path is None:
            return cls(memory)
        folder = Path(options.prefix_cache_path).expanduser()
        layout = layout_of(path, native, options)
        return cls(memory, DiskCache.open(folder, layout, options.prefix_cache_disk_mib * 2**20))

    def longest(self, tokens: Sequence[int], adapter: str | None) -> Match[State] | None:
        """Find the state that shares the longest beginning with ``tokens``, and note its use."""
        match = self._memory.longest(tokens, adapter)
        if self._disk is None:
            return match
        than = _LEAST_GAIN - 1 + (0 if match is None else match.length)
        found = self._disk.longer(tokens, adapter, than)
        if found is None:
            return match
        if found.length == found.whole_length:
            self._memory.keep(tokens[: found.length], found.state, adapter)
        return found

    def keep(self, tokens: Sequence[int], state: State, adapter: str | None) -> None:
        """Keep ``state`` wherever there is room for it."""
        self._memory.keep(tokens, state, adapter)
        if self._disk is not None:
            self._disk.keep(tokens, state, adapter)

    def close(self) -> None:
        """Write what is still to be written."""
        if self._disk is not None:
            self._disk.close()


def layout_of(path: Path, native: Native, options: LlamaCppOptions) -> str:
    """Hash of all that decides whether a state fits an engine and means there what it meant.

    Reads the whole model file where its hash is not among the options: 0.3 s for 400 MB.
    """
    facts = {
        "model": options.sha256 or sha256_of(path),
        "llama.cpp": [llama_cpp.__version__, llama_cpp.llama_version().decode()],
        "types": [options.key_cache_type, options.value_cache_type],
        "flash_attention": options.flash_attention,
        "context": native.context_token_count,
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
